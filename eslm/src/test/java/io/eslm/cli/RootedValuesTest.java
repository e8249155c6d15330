// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.eslm.gpt2.option.Option;
import io.eslm.gpt2.train.TrainOptions;
import io.eslm.run.Run;
import io.eslm.run.TaskPlan;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;

/** Words for a process that works in another folder name files from the root, and nothing else changes. */
class RootedValuesTest {
    private static final String HERE = Path.of("").toAbsolutePath().toString();

    private static void assertRooted(String expected, Option<?> option, String text) {
        assertEquals(expected.replace("HERE", HERE), RootedValues.of(option, text));
    }

    @Test
    void filesAreNamedFromTheRoot() {
        assertRooted("HERE/runs/x", Run.OUT_DIR, "runs/x");
        assertRooted("/runs/x", Run.OUT_DIR, "/runs/x");
        assertRooted("HERE/pom.xml", Run.DATA, "pom.xml");
        assertRooted("a=HERE/src/*.java:deduplicate=true,weight=0.5\nb=HERE/nothing:weight=1.0", Run.DATA,
                "a=src/*.java:0.5,deduplicate=true\nb=nothing:1");
        assertRooted("HERE/pom.xml", Run.TOKENIZER, "pom.xml");
        assertRooted("piqa=HERE/pom.xml\nsciq=nothing", TaskPlan.TASKS, "piqa=pom.xml\nsciq=nothing");
        assertRooted("rho-1:reference=HERE/src", Run.METHOD, "rho-1:reference=src");
    }

    @Test
    void otherValuesStay() {
        assertRooted("jdk", Run.DATA, "jdk");
        assertRooted("http://localhost/a.txt", Run.DATA, "http://localhost/a.txt");
        assertRooted("gpt2", Run.TOKENIZER, "gpt2");
        assertRooted("resume", TrainCommand.INIT_FROM, "resume");
        assertRooted("random:alpha=0.5", Run.METHOD, "random:alpha=0.5");
        assertRooted("src", Run.SAMPLE_PROMPT, "src");
    }

    @Test
    void wordsGiveTheSameOptionsAgain() {
        List<String> given = List.of("--data=a=/x", "--data=b=/y", "--max-iters=7", "--sample-prompt=--seed 3");
        List<Option<?>> all = List.of(Run.DATA, TrainOptions.MAX_ITERS, Run.SAMPLE_PROMPT, Run.THREADS);
        assertEquals(given, words(all, given, List.of()));
        assertEquals(given, words(all, words(all, given, List.of()), List.of()));
        assertEquals(given.subList(2, 4), words(all, given, List.of(Run.DATA)));
    }

    private static List<String> words(List<Option<?>> all, List<String> given, List<Option<?>> without) {
        DeclaredOptions options = new DeclaredOptions();
        CommandSpec command = CommandSpec.create();
        options.add(command, "", all);
        new CommandLine(command).setOverwrittenOptionsAllowed(true).parseArgs(given.toArray(String[]::new));
        return options.words(without);
    }
}
