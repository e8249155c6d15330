// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import jdk.jshell.tool.JavaShellToolBuilder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The shell as a command. */
class ShellCommandTest {
    @TempDir
    private Path temp;

    private static String printed(Runnable body) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        PrintStream before = System.out;
        try (PrintStream out = new PrintStream(bytes, true, StandardCharsets.UTF_8)) {
            System.setOut(out);
            body.run();
        } finally {
            System.setOut(before);
        }
        return bytes.toString(StandardCharsets.UTF_8);
    }

    @Test
    void aScriptShowsWhatItPrints() throws Exception {
        Path script = Files.writeString(temp.resolve("a.jsh"),
                "#!/usr/bin/env eslm\nvar x = tensor(1, 2)\nIO.println(x)\nx\n");
        assertEquals("[1.0, 2.0] (2) F32\n",
                printed(() -> assertEquals(0, Program.run("shell", script.toString()).code())));
    }

    @Test
    void aScriptThatFailsSaysWhere() throws Exception {
        Path script = Files.writeString(temp.resolve("a.jsh"),
                "#!/usr/bin/env eslm\nIO.println(1);\ntensor(1).get(2);\nIO.println(3);");
        assertEquals("1\n", printed(() -> {
            Program.Outcome o = Program.run("shell", script.toString());
            assertEquals("error: " + script + ":3: IndexOutOfBoundsException: get: index 2 is outside axis 0 of (1)\n",
                    o.err());
            assertEquals(1, o.code());
        }));
        Program.Outcome missing = Program.run("shell", temp.resolve("b.jsh").toString());
        assertEquals(1, missing.code());
        assertTrue(missing.err().contains("b.jsh"), missing.err());
    }

    @Test
    void withoutATerminalTheInputIsTheScript() {
        InputStream before = System.in;
        try {
            System.setIn(new ByteArrayInputStream("int a = 1 / 0;".getBytes(StandardCharsets.UTF_8)));
            assertEquals("error: standard input:1: ArithmeticException: / by zero\n", Program.run("shell").err());
        } finally {
            System.setIn(before);
        }
    }

    /** The JDK's shell understands its arguments and the definition of the feedback, and shows a matrix as one. */
    @Test
    void theInteractiveShellShowsMatrices() throws Exception {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        PrintStream stream = new PrintStream(out, true, StandardCharsets.UTF_8);
        int code = JavaShellToolBuilder.builder()
                .in(new ByteArrayInputStream("""
                        var x = tensor(1, 2, 3, 4).reshape(2, 2)
                        x.foo()
                        record R(int a) {}
                        /exit 3
                        """.getBytes(StandardCharsets.UTF_8)), null)
                .out(stream).err(stream).persistence(new HashMap<>())
                .start(ShellCommand.arguments(temp.resolve("startup.jsh")));
        String text = out.toString(StandardCharsets.UTF_8);
        assertTrue(text.contains("x ==> \n[[1.0, 2.0],\n [3.0, 4.0]] (2, 2) F32\n"), text);
        assertTrue(text.contains("|  Error:\n|  cannot find symbol\n|    symbol:   method foo()\n")
                && !text.contains("incubating"), text);
        assertTrue(text.contains("|  created record R\n") && text.startsWith("eslm> "), text);
        assertEquals(3, code);
    }
}
