// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.tensor.UserError;
import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;

class ErrorReportTest {
    private static String report(Throwable failure, boolean trace) {
        StringWriter err = new StringWriter();
        assertEquals(1, ErrorReport.report(failure, new PrintWriter(err), trace));
        return err.toString();
    }

    /** Also where a parallel loop has wrapped it; and no word of the JVM's flags. */
    @Test
    void aFullMemoryNamesOurOptions() {
        String said = report(new RuntimeException(new OutOfMemoryError("Java heap space")), false);
        assertTrue(said.contains("--batch-size") && said.contains("--model"), said);
        assertFalse(said.contains("-Xmx") || said.contains("heap"), said);
        assertEquals(1, said.lines().count());
    }

    @Test
    void aUsersMistakeIsItsMessage() {
        assertEquals("error: no such file\n", report(new IllegalStateException(new UserError("no such file")), false)
                .replace("\r\n", "\n"));
    }

    @Test
    void ourMistakeAsksForAReport() {
        String said = report(new IllegalStateException("k < 0"), false);
        assertTrue(said.startsWith("error: a mistake in this program, not in your input: ") && said.contains("k < 0")
                && said.contains("--verbose"), said);
        assertEquals(1, said.lines().count());
        assertTrue(
                report(new IllegalStateException("k < 0"), true).contains("\tat " + ErrorReportTest.class.getName()));
    }
}
