// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.gpt2.option.OptionError;
import io.eslm.gpt2.train.TrainOptions;
import io.eslm.tensor.UserError;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

class ErrorReportTest {
    private static final CommandSpec COMMAND =
            CommandSpec.create().addOption(OptionSpec.builder("--max-iters").type(int.class).build());

    private static String report(Throwable failure, boolean trace) {
        StringWriter err = new StringWriter();
        assertEquals(1, ErrorReport.report(failure, COMMAND, new Output(err), trace));
        return err.toString();
    }

    /** Also if a parallel loop has wrapped it; and no word of the JVM's flags. */
    @Test
    void aFullMemoryNamesOurOptions() {
        String said = report(new RuntimeException(new OutOfMemoryError("Java heap space")), false);
        assertTrue(said.contains("batch size") && said.contains("model"), said);
        assertFalse(said.contains("-Xmx") || said.contains("heap"), said);
        assertEquals(1, said.lines().count());
    }

    @Test
    void aUsersMistakeIsItsMessage() {
        assertEquals("error: no such file\n", report(new IllegalStateException(new UserError("no such file")), false)
                .replace("\r\n", "\n"));
    }

    /** With the flag that the command has, or in words for an option that it does not have. */
    @Test
    void anOptionHasItsFlag() {
        assertEquals("error: --max-iters 0: must be at least 1",
                report(new OptionError(TrainOptions.MAX_ITERS, 0, "must be at least 1"), false).strip());
        assertEquals("error: min lr: must be given",
                report(new OptionError(TrainOptions.MIN_LR, null, "must be given"), false).strip());
    }

    @Test
    void ourMistakeAsksForAReport() {
        String said = report(new IllegalStateException("k < 0"), false);
        assertTrue(said.startsWith("error: this is a bug in eslm, not in your input: ") && said.contains("k < 0")
                && said.contains("--verbose"), said);
        assertEquals(1, said.lines().count());
        assertTrue(
                report(new IllegalStateException("k < 0"), true).contains("\tat " + ErrorReportTest.class.getName()));
    }
}
