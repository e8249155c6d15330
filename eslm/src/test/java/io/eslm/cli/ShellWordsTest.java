// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class ShellWordsTest {
    private static final List<String> WORDS = List.of("runs/a-1.5", "a b", "it's", "$HOME `id` \\ !x \"q\"", "", "-",
            "*",
            "two\nlines\tand\u0007 'bell'", "~/x", "k=v;rm", "Grüße 日本 🙂", "a\u202Eb", "\u2028", "back\\slash\n");

    @Test
    void plainWordsStayPlain() {
        assertEquals("bin/eslm train --out-dir runs/a_1",
                ShellWords.command(List.of("bin/eslm", "train", "--out-dir", "runs/a_1")));
        assertEquals("'a b' 'it'\\''s' ''", ShellWords.command(List.of("a b", "it's", "")));
        assertEquals("$'a\\nb'", ShellWords.quote("a\nb"));
    }

    /** Bash reads back the words, from one line without hidden characters. */
    @Test
    void aShellReadsThemBack() throws IOException, InterruptedException {
        assumeTrue(Files.isExecutable(Path.of("/bin/bash")), "there is no bash here");
        String line = ShellWords.command(WORDS);
        assertFalse(line.codePoints().anyMatch(c -> c < ' ' || c == 0x202E || c == 0x2028), line);
        List<String> command = new ArrayList<>(List.of("/bin/bash", "-c", "printf '%s\\0' " + line));
        ProcessBuilder bash = new ProcessBuilder(command);
        bash.environment().put("LC_ALL", "C.UTF-8");
        Process process = bash.start();
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor());
        assertEquals(WORDS, List.of(out.substring(0, out.length() - 1).split("\0", -1)));
    }
}
