// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.gpt2.Golden;
import io.eslm.gpt2.format.Pickle;
import io.eslm.tensor.Rng;
import io.eslm.tensor.UserError;
import io.eslm.tensor.io.Json;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Tokenizers of other kinds than tokenizer.json, and how they are found. */
class TokenizersTest {
    @TempDir
    Path dir;

    private static Path file(String name) {
        return Golden.folder("tokenizers").resolve(name);
    }

    private static String refusal(Path file) {
        return assertThrows(UserError.class, () -> Tokenizers.open(file.toString())).getMessage();
    }

    @Test
    void ranksGiveTheIdsOfTiktoken() {
        Tokenizer tokenizer = Tokenizers.open(file("ranks.tiktoken").toString());
        for (Json c : Json.read(file("ranks.cases.json")).children("cases")) {
            String text = c.required("text", String.class);
            int[] ids = c.list("ids", Integer.class).stream().mapToInt(i -> i).toArray();
            assertArrayEquals(ids, tokenizer.encode(text), text);
            assertEquals(text, tokenizer.decode(ids));
        }
    }

    @Test
    void damagedRanksAreNamed() throws IOException {
        List<String> lines = Files.readAllLines(file("ranks.tiktoken"));
        Path damaged = dir.resolve("r.tiktoken");
        List<String> gap = new ArrayList<>(lines);
        gap.remove(5);
        Files.write(damaged, gap);
        assertEquals(damaged + " line 6: expected a token in base 64 and its rank, 5", refusal(damaged));
        Files.write(damaged, lines.subList(0, 100));
        assertTrue(refusal(damaged).contains("has no token for byte "), refusal(damaged));
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3, 4, 5})
    void charactersOfNanoGptAreReadFromEveryPickle(int protocol) {
        Tokenizer tokenizer = Tokenizers.open(file("meta." + protocol + ".pkl").toString());
        assertEquals("11 characters", tokenizer.description());
        int[] ids = tokenizer.encode("hello w\u00f6rld\n\ud83d\ude42");
        assertArrayEquals(new int[] {4, 3, 5, 5, 6, 1, 8, 9, 7, 5, 2, 0, 10}, ids);
        assertEquals("hello w\u00f6rld\n\ud83d\ude42", tokenizer.decode(ids));
        assertEquals("the vocabulary of 11 characters has no U+0078",
                assertThrows(UserError.class, () -> tokenizer.encode("x")).getMessage());
    }

    /** A pickle is a program; only what builds plain data runs. */
    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3, 4, 5})
    void aPickleThatCallsAFunctionIsRefused(int protocol) {
        String said = refusal(file("evil." + protocol + ".pkl"));
        assertTrue(said.contains("holds more than plain data, and is not read: at byte ")
                && said.contains("would load a class or call a function"), said);
    }

    @Test
    void anyDamageOfAPickleIsASentence() throws IOException {
        for (int protocol = 0; protocol < 6; protocol++) {
            byte[] whole = Files.readAllBytes(file("meta." + protocol + ".pkl"));
            Rng rng = Rng.of(protocol);
            for (int i = 0; i < 2000; i++) {
                byte[] some = i % 2 == 0 ? Arrays.copyOf(whole, rng.nextInt(whole.length)) : whole.clone();
                if (some.length > 0) {
                    some[rng.nextInt(some.length)] = (byte) rng.nextInt(256);
                }
                try {
                    Pickle.of(Path.of("meta.pkl"), some);
                } catch (UserError e) {
                    assertTrue(e.getMessage().startsWith("meta.pkl: "), e.getMessage());
                }
            }
        }
    }

    @Test
    void bytesTakeEveryText() {
        Tokenizer tokenizer = Tokenizers.open("bytes");
        String text = "\u00e9<|endoftext|>\0";
        assertArrayEquals(new int[] {0xC3, 0xA9, 256, 0}, tokenizer.encodeWithSpecials(text));
        assertEquals(16, tokenizer.encode(text).length);
        assertEquals(text, tokenizer.decode(tokenizer.encodeWithSpecials(text)));
    }

    /** GPT-2's own files, written and read back through the general reader, give GPT-2's ids. */
    @Test
    void gpt2sOwnFilesGiveGpt2sIds() throws IOException {
        Gpt2Tokenizer gpt2 = new Gpt2Tokenizer();
        Tokenizers.write(gpt2, dir);
        assertInstanceOf(Gpt2Tokenizer.class, Tokenizers.open(dir.toString()));
        Files.writeString(dir.resolve(Gpt2Files.MERGES), "\n", StandardOpenOption.APPEND); // not the published file any more
        Tokenizer read = Tokenizers.open(dir.toString());
        assertInstanceOf(BpeTokenizer.class, read);
        for (String name : List.of("gpt2", "metaspace")) {
            for (Json c : Json.read(file(name + ".cases.json")).children("cases")) {
                String text = c.required("text", String.class);
                assertArrayEquals(gpt2.encode(text), read.encode(text), text);
                assertArrayEquals(gpt2.encodeWithSpecials(text), read.encodeWithSpecials(text), text);
            }
        }
    }

    @Test
    void whatIsNoTokenizerIsRefused() throws IOException {
        Path text = Files.writeString(dir.resolve("t.txt"), "some text\n", StandardCharsets.UTF_8);
        assertTrue(refusal(text).contains("is no tokenizer that is known"), refusal(text));
        Path empty = Files.createDirectories(dir.resolve("empty"));
        assertTrue(refusal(empty).contains("holds no tokenizer; looked for tokenizer.json, meta.pkl"), refusal(empty));
        assertTrue(refusal(dir.resolve("none")).contains("none"), refusal(dir.resolve("none")));
    }

    /** Both ways to merge, at lengths around the border between them. */
    @Test
    void shortAndLongPiecesMergeAlike() {
        Rng rng = Rng.of(1);
        BpeMerges merges = new BpeMerges();
        for (int i = 0; i < 60; i++) {
            merges.add(i, rng.nextInt(4 + i), rng.nextInt(4 + i), 4 + i);
        }
        for (int n = 1; n < 200; n++) {
            int[] symbols = new int[n];
            Arrays.setAll(symbols, _ -> rng.nextInt(4));
            int[] slowly = symbols.clone();
            int left = merges.mergeFew(slowly, n);
            int[] quickly = symbols.clone();
            assertEquals(left, merges.mergeMany(quickly, n));
            for (int i = 0; i < left; i++) {
                assertEquals(slowly[i], quickly[i]);
            }
        }
    }
}
