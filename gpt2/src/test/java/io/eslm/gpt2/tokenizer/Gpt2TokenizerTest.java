// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class Gpt2TokenizerTest {
    private static final Gpt2Tokenizer TOKENIZER = new Gpt2Tokenizer();

    @Test
    void knownIds() {
        assertArrayEquals(new int[] {15496, 11, 995, 0}, TOKENIZER.encode("Hello, world!"));
        assertArrayEquals(new int[] {64, 198, 198, 65}, TOKENIZER.encode("a\n\nb"));
        assertArrayEquals(new int[0], TOKENIZER.encode(""));
        assertEquals("", TOKENIZER.decode());
    }

    @ParameterizedTest
    @ValueSource(strings = {" ", "   ", "\t\t \n\n  x", "a  b   c\r\n", "  \u00A0\u3000\u2028 end ", "it's we'll I'VE",
        "for (int i = 0; i < n; i++) {\n        sum += x[i];\n}\n", "naïve 日本語 👩‍👩‍👧 𝔘", "\0\u0001\u007F",
        "<|endoftext|>"})
    void decodeUndoesEncode(String text) {
        assertEquals(text, TOKENIZER.decode(TOKENIZER.encode(text)));
    }

    /** Mixed strings draw from every block of 256 code points of the seventeen planes. */
    @Test
    void decodeUndoesEncodeOnRandomUnicode() {
        var random = new SplittableRandom(1);
        for (int block = 0; block < 0x1100; block++) {
            var text = new StringBuilder();
            for (int i = 0; i < 24; i++) {
                int codePoint = switch (random.nextInt(4)) {
                    case 0 -> random.nextInt(128);
                    case 1 -> random.nextInt(0x3000);
                    default -> block * 256 + random.nextInt(256);
                };
                text.appendCodePoint(codePoint >= 0xD800 && codePoint < 0xE000 ? ' ' : codePoint);
            }
            assertEquals(text.toString(), TOKENIZER.decode(TOKENIZER.encode(text.toString())), () -> "seed 1");
        }
    }

    @Test
    void longRunsStayFast() {
        String run = " ".repeat(100_000) + "a".repeat(100_000) + "\n".repeat(100_000);
        assertEquals(run, TOKENIZER.decode(TOKENIZER.encode(run)));
    }

    @Test
    void aLoneSurrogateIsReadAsTheReplacementCharacter() {
        assertEquals("a\uFFFDb", TOKENIZER.decode(TOKENIZER.encode("a\uD800b")));
        assertEquals("\uFFFD\uFFFD\uD83D\uDE00\uFFFD",
                TOKENIZER.decode(TOKENIZER.encode("\uDE00\uD83D\uD83D\uDE00\uD83D")));
    }

    @Test
    void endOfTextIsNeverEncodedButDecoded() {
        for (int id : TOKENIZER.encode("a<|endoftext|>b")) {
            assertTrue(id < Gpt2Tokenizer.END_OF_TEXT);
        }
        assertEquals("a<|endoftext|>", TOKENIZER.decode(64, Gpt2Tokenizer.END_OF_TEXT));
        assertEquals("<|endoftext|>", TOKENIZER.text(Gpt2Tokenizer.END_OF_TEXT));
    }

    @Test
    void everyTokenHasBytesAndADistinctText() {
        var texts = new HashSet<String>();
        for (int id = 0; id < Gpt2Tokenizer.VOCAB_SIZE; id++) {
            assertTrue(TOKENIZER.bytes(id).length > 0);
            assertTrue(texts.add(TOKENIZER.text(id)), "token " + id + " looks like another: " + TOKENIZER.text(id));
        }
    }

    @Test
    void partOfACharacterIsShownAsItsBytes() {
        int[] ids = TOKENIZER.encode("😀");
        assertEquals("<0xF0><0x9F><0x98>", TOKENIZER.text(ids[0]));
        assertEquals("<0x80>", TOKENIZER.text(ids[1]));
        assertEquals(" the", TOKENIZER.text(262));
        assertEquals("�", TOKENIZER.decode(ids[0]));
    }

    @Test
    void bytesAreACopy() {
        TOKENIZER.bytes(0)[0] = 'x';
        assertEquals("!", TOKENIZER.text(0));
    }

    @ParameterizedTest
    @ValueSource(ints = {-1, 50257, 50303, Integer.MAX_VALUE})
    void anIdOutsideTheVocabularyIsNamed(int id) {
        var error = assertThrows(IllegalArgumentException.class, () -> TOKENIZER.decode(262, id));
        assertTrue(error.getMessage().startsWith("token id " + id + " is outside GPT-2's vocabulary [0, 50257)"));
        assertThrows(IllegalArgumentException.class, () -> TOKENIZER.text(id));
        assertThrows(IllegalArgumentException.class, () -> TOKENIZER.bytes(id));
    }

    @Test
    void vocabularyFilesAreThePublishedOnes(@TempDir Path dir) throws Exception {
        Tokenizers.write(TOKENIZER, dir.resolve("checkpoint"));
        String merges = sha256(dir.resolve("checkpoint/merges.txt"));
        String vocab = sha256(dir.resolve("checkpoint/vocab.json"));
        assertTrue(merges.startsWith("1ce16647") && merges.endsWith("adc5"), merges);
        assertTrue(vocab.startsWith("19613966") && vocab.endsWith("6783"), vocab);
        assertTrue(Files.readString(dir.resolve("checkpoint/merges.txt"), StandardCharsets.UTF_8).contains("\nĠ t\n"));
    }

    private static String sha256(Path file) throws Exception {
        return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file)));
    }
}
