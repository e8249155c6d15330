// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TokenizeCommandTest {
    @TempDir
    Path dir;

    @Test
    void showsIdsAndPieces() {
        Program.Outcome o = Program.run("tokenize", "--text", "Returns the\n<|endoftext|>").ok();
        assertEquals("""
                  35561  "Returns"
                    262  " the"
                    198  "\\n"
                  50256  "<|endoftext|>"
                """, o.out());
        assertTrue(o.err().contains("4 tokens, 25 bytes; GPT-2's byte-level BPE, 50,257 tokens"), o.err());
        assertEquals("{\"ids\":[97,195,169],\"pieces\":[\"a\",\"<0xC3>\",\"<0xA9>\"],\"bytes\":3}\n",
                Program.run("tokenize", "--tokenizer", "bytes", "--text", "a\u00e9", "--json").ok().out());
        assertEquals(13, Program.run("tokenize", "--tokenizer", "bytes", "--text", "<|endoftext|>", "--no-special").ok()
                .out().lines().count());
    }

    @Test
    void thereAndBack() throws IOException {
        String text = "Zeile \u00fc\n\n\tx <|endoftext|> \ud83d\ude42";
        Path file = Files.writeString(dir.resolve("t.txt"), text);
        for (String tokenizer : new String[] {"gpt2", "bytes"}) {
            String json =
                    Program.run("tokenize", "--tokenizer", tokenizer, "--file", file.toString(), "--json").ok().out();
            Path ids = Files.writeString(dir.resolve("ids.txt"),
                    json.substring(json.indexOf('[') + 1, json.indexOf(']')).replace(',', ' '));
            assertEquals(text,
                    Program.run("detokenize", "--tokenizer", tokenizer, "--ids", ids.toString()).ok().out());
        }
    }

    @Test
    void saysWhatIsWrong() throws IOException {
        Path ids = Files.writeString(dir.resolve("ids.txt"), "1 50257");
        Program.Outcome o = Program.run("detokenize", "--ids", ids.toString());
        assertEquals(1, o.code());
        assertTrue(o.err().contains("ids.txt: entry 1 (counted from 0): token id 50257 is outside GPT-2's vocabulary"),
                o.err());
        o = Program.run("tokenize", "--tokenizer", ids.toString(), "--text", "a");
        assertEquals(1, o.code());
        assertTrue(o.err().contains("is no tokenizer that is known"), o.err());
    }
}
