// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CompletionCommandTest {
    @TempDir
    Path dir;

    private static String shell(String... words) throws IOException, InterruptedException {
        Process shell = new ProcessBuilder(words).redirectErrorStream(true).start();
        String out = new String(shell.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, shell.waitFor(), out);
        return out;
    }

    /** What bash offers for a line. */
    private List<String> offers(Path script, String... words) throws IOException, InterruptedException {
        StringBuilder line = new StringBuilder();
        for (String word : words) {
            line.append(' ').append(ShellWords.quote(word));
        }
        return shell("bash", "-c", "source " + script + "; COMP_WORDS=(" + line + "); COMP_CWORD=" + (words.length - 1)
                + "; _complete_eslm 2>/dev/null; printf '%s\\n' \"${COMPREPLY[@]}\"").lines().map(String::strip)
                .toList();
    }

    @Test
    void bashCompletesCommandsAndOptions() throws IOException, InterruptedException {
        Path script = Files.writeString(dir.resolve("eslm.bash"), Program.run("completion", "bash").ok().out());
        assertEquals(List.of("train"), offers(script, "eslm", "tr"));
        assertEquals(List.of("--max-iters"), offers(script, "eslm", "train", "--max-i"));
        assertTrue(offers(script, "eslm", "train", "--").stream().noneMatch(o -> o.contains("_")));
    }

    @Test
    void fishHasALineForEachOption() {
        List<String> lines = Program.run("completion", "fish").ok().out().lines().toList();
        assertTrue(
                lines.contains("complete -c eslm -n __fish_use_subcommand -a doctor -d 'Says what this machine can do, "
                        + "what is missing, and how to get it.'"),
                lines::toString);
        assertTrue(lines.stream().anyMatch(l -> l.startsWith(
                "complete -c eslm -n '__fish_seen_subcommand_from train' -l max-iters -x -d 'optimizer steps")));
        assertTrue(lines.stream().anyMatch(l -> l.contains("from score' -l file -r -F -d 'a text")));
        assertTrue(lines.stream().anyMatch(l -> l.contains("-l color -x -a 'auto always never'")));
        for (String line : lines) {
            assertEquals(0, line.replace("\\'", "").chars().filter(c -> c == '\'').count() % 2, line);
            assertTrue(!line.matches(".* -l \\S*_.*"), line);
        }
    }

    @Test
    void manualPagesAreWritten() throws IOException {
        Program.run("completion", "man", dir.toString()).ok();
        try (Stream<Path> pages = Files.list(dir.resolve("man1"))) {
            assertTrue(pages.count() > 15);
        }
        String page = Files.readString(dir.resolve("man1/eslm-train.1"));
        assertTrue(page.startsWith(".TH \"ESLM-TRAIN\" 1 \"\" \"eslm "), page);
        assertTrue(page.contains(".SH NAME\neslm\\-train \\- Trains a GPT\\-2"), page);
        assertTrue(page.contains(".TP\n\\fB\\-\\-max\\-iters\\fR \\fIN\\fR\noptimizer steps (default: 1000)\n"), page);
        assertTrue(page.lines().noneMatch(l -> l.startsWith("'") || l.contains("%n") || l.contains("${")), page);
        assertTrue(Files.readString(dir.resolve("man1/eslm-completion.1")).contains("bash, zsh, fish, man"));
    }

    @Test
    void saysWhatIsMissing() {
        assertTrue(Program.run("completion", "man").err().contains("name the folder"));
        assertEquals(2, Program.run("completion", "tcsh").code());
    }
}
