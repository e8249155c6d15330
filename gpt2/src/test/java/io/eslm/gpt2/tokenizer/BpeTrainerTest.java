// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import io.eslm.gpt2.Golden;
import io.eslm.gpt2.tokenizer.BpeTrainer.Listener;
import io.eslm.gpt2.tokenizer.BpeTrainer.Settings;
import io.eslm.gpt2.tokenizer.BpeTrainer.Trained;
import io.eslm.tensor.UserError;
import io.eslm.tensor.io.Json;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is learned equals what Hugging Face's library learns, see tools/golden/make_bpe.py, and what the definition says. */
class BpeTrainerTest {
    private static final String[] ALPHABETS =
            {"a", "ab", "ab ", "abc", "aab\n", "é ", "日本 ", "🙂🎉", "'s ll", "ab12! ", "\u0000 ",
                "\n \t"};

    @TempDir
    private Path folder;

    private static Json golden(String name) {
        return Json.read(Golden.folder("bpe").resolve(name + ".json"));
    }

    private static Trained train(List<String> texts, int size, List<String> special, int threads) {
        return BpeTrainer.train(texts, new Settings(size, special, threads, 0), Listener.SILENT);
    }

    private static List<String> merges(BpeVocabulary vocabulary) {
        return IntStream.range(0, vocabulary.merges())
                .mapToObj(i -> vocabulary.part(i, 0) + " " + vocabulary.part(i, 1)).toList();
    }

    @ParameterizedTest
    @ValueSource(strings = {"documents", "lines", "ties", "runs", "unicode", "words", "none"})
    void equalsHuggingFace(String name) {
        Json golden = golden(name);
        int size = (int) golden.count("vocab_size");
        Trained trained = train(golden.list("texts", String.class), size, golden.list("special", String.class), 2);
        assertEquals(golden.list("tokens", String.class), trained.vocabulary().tokens());
        List<String> merges = new ArrayList<>();
        for (JsonElement merge : (JsonArray) golden.object().get("merges")) {
            JsonArray pair = merge.getAsJsonArray();
            merges.add(pair.get(0).getAsString() + " " + pair.get(1).getAsString());
        }
        assertEquals(merges, merges(trained.vocabulary()));
        assertEquals(trained.vocabulary().size() < size, trained.shortfall().isPresent());
    }

    /** Few different characters make many ties, and pairs that overlap themselves. */
    @Test
    void equalsTheDefinition() {
        SplittableRandom random = new SplittableRandom(7);
        for (int round = 0; round < 100; round++) {
            int[] alphabet = ALPHABETS[random.nextInt(ALPHABETS.length)].codePoints().toArray();
            List<String> texts = new ArrayList<>();
            for (int i = random.nextInt(5); i >= 0; i--) {
                StringBuilder text = new StringBuilder();
                for (int n = random.nextInt(60); n > 0; n--) {
                    text.appendCodePoint(alphabet[random.nextInt(alphabet.length)]);
                }
                texts.add(text.toString());
            }
            List<String> special = random.nextBoolean() ? List.of() : List.of("<|endoftext|>", "ab");
            int size = 256 + special.size() + random.nextInt(30);
            BpeVocabulary expected = SlowBpe.train(texts, size, special);
            BpeVocabulary learned = train(texts, size, special, 1 + random.nextInt(3)).vocabulary();
            assertEquals(merges(expected), merges(learned), () -> texts.toString());
            assertEquals(expected.tokens(), learned.tokens());
        }
    }

    /** Enough text that each thread empties its table often. */
    @Test
    void threadsAndOrderChangeNothing() {
        SplittableRandom random = new SplittableRandom(3);
        List<String> texts = new ArrayList<>();
        for (int i = 0; i < 12; i++) {
            StringBuilder text = new StringBuilder();
            for (int n = 0; n < 20_000; n++) {
                text.append(' ');
                for (int word = random.nextInt(1 << random.nextInt(1, 31)); word > 0; word /= 26) {
                    text.append((char) ('a' + word % 26));
                }
            }
            texts.add(text.toString());
        }
        Trained one = train(texts, 600, List.of("<|endoftext|>"), 1);
        Collections.reverse(texts);
        Trained seven = train(texts, 600, List.of("<|endoftext|>"), 7);
        assertEquals(one.vocabulary().tokens(), seven.vocabulary().tokens());
        assertEquals(merges(one.vocabulary()), merges(seven.vocabulary()));
        assertEquals(one.differentPieces(), seven.differentPieces());
        assertEquals(texts.stream().mapToLong(String::length).sum(), seven.textBytes());
        assertTrue(one.differentPieces() > 1 << 16, "more words than a thread's table takes");
    }

    /** A quadratic method would take minutes. */
    @Test
    void piecesMayBeLong() {
        String text = "ab".repeat(300_000) + "=".repeat(500_000);
        BpeVocabulary vocabulary = train(List.of(text), 300, List.of(), 2).vocabulary();
        assertEquals(300, vocabulary.size());
        assertEquals("ab", vocabulary.tokens().get(257));
    }

    @Test
    void filesHoldTheTokenizer() throws Exception {
        Json golden = golden("lines");
        BpeVocabulary vocabulary =
                train(golden.list("texts", String.class), 700, golden.list("special", String.class), 2).vocabulary();
        vocabulary.write(folder);
        Tokenizer read = Tokenizers.open(folder.toString());
        assertEquals(700, read.vocabSize());
        assertEquals(OptionalInt.of(0), read.endOfText());
        String special = "<|user|>hi<|endoftext|> <|assistant|>";
        assertArrayEquals(vocabulary.tokenizer().encodeWithSpecials(special), read.encodeWithSpecials(special));
        assertEquals(1, read.encodeWithSpecials(special)[0]);
        assertEquals(special, read.decode(read.encode(special)));
        Files.delete(folder.resolve(Tokenizers.HUGGING_FACE));
        Tokenizer fromGpt2Files = Tokenizers.open(folder.toString());
        SplittableRandom random = new SplittableRandom(5);
        for (int round = 0; round < 200; round++) {
            String text = IntStream.range(0, random.nextInt(40)).map(i -> random.nextInt(1 << random.nextInt(1, 21)))
                    .filter(c -> c <= Character.MAX_CODE_POINT && (c < 0xD800 || c > 0xDFFF))
                    .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append).toString();
            int[] ids = read.encode(text);
            assertEquals(text, read.decode(ids));
            assertArrayEquals(ids, fromGpt2Files.encode(text), text);
        }
    }

    @Test
    void everyByteIsAToken() {
        Tokenizer tokenizer = train(List.of(), 257, List.of("<|endoftext|>"), 1).vocabulary().tokenizer();
        String text = IntStream.range(0, 256)
                .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
                .toString();
        int[] ids = tokenizer.encode(text);
        assertEquals(text.getBytes(StandardCharsets.UTF_8).length, ids.length);
        assertEquals(text, tokenizer.decode(ids));
        assertEquals(256, IntStream.rangeClosed(1, 256).map(id -> tokenizer.bytes(id)[0] & 0xFF).distinct().count());
    }

    @Test
    void tooLittleTextIsSaid() {
        Trained none = train(List.of(), 4096, List.of("<|endoftext|>"), 2);
        assertEquals(
                Optional.of("the vocabulary has 257 tokens rather than 4,096: the text has no more pairs to join. Use "
                        + "more text for more tokens"),
                none.shortfall());
        assertEquals(Optional.empty(), train(List.of("ab ab"), 257, List.of(), 2).shortfall());
    }

    @Test
    void whatCannotBeIsRefused() {
        assertEquals(List.of("<|endoftext|>", "<|user|>"), Settings.of(300, "<|user|>").special());
        assertEquals(List.of("<|user|>", "<|endoftext|>"), Settings.of(300, "<|user|>", "<|endoftext|>").special());
        refused("a vocabulary of 257 tokens is too small: the 256 bytes and the special tokens [<|endoftext|>, <|user|>] are 258",
                () -> Settings.of(257, "<|user|>"));
        refused("is too large: at most 4194304", () -> Settings.of(1 << 23));
        refused("special token 1 is no text", () -> train(List.of(), 300, List.of("<|a|>", ""), 1));
        refused("special token 0 is no text", () -> train(List.of(), 300, List.of("\ud800"), 1));
        refused("special token \"<|a|>\" is given twice", () -> train(List.of(), 300, List.of("<|a|>", "<|a|>"), 1));
        refused("special token \"Ġ\" is one character, which stands for a byte",
                () -> train(List.of(), 300, List.of("Ġ"), 1));
        refused("special token \"Ġa\" is also how other bytes of the text are written",
                () -> train(List.of("x a a a"), 300, List.of("Ġa"), 1));
    }

    private static void refused(String message, Executable run) {
        String said = assertThrows(UserError.class, run).getMessage();
        assertTrue(said.contains(message), said);
    }

    /** The pieces have 1, 1 and 2 bytes, and one more each. */
    @Test
    void tooManyWordsAreSaid() {
        new WordCounts(7).count(List.of("a\nbb").iterator(), 1, _ -> {});
        var counts = new WordCounts(6);
        refused("the text has more different words than fit into memory: 3 of them, 0 MB, after",
                () -> counts.count(List.of("a\nbb").iterator(), 1, _ -> {}));
    }

    @Test
    void progressIsReportedHere() {
        List<String> reports = new ArrayList<>();
        Thread here = Thread.currentThread();
        BpeTrainer.train(List.of("a b ab abab", "ba"), Settings.of(260).textBytes(100), (done, total, what) -> {
            assertEquals(here, Thread.currentThread());
            assertTrue(0 <= done && done <= total && total > 0, done + " of " + total);
            reports.add(what + " " + done + "/" + total);
        });
        assertEquals(List.of("counting words 13/100", "learning merges 0/3", "learning merges 3/3"),
                reports.stream().distinct().toList());
    }

    @Test
    void anInterruptEndsIt() {
        Thread.currentThread().interrupt();
        assertThrows(IllegalStateException.class, () -> train(List.of("a b ab"), 260, List.of(), 1));
        assertTrue(Thread.interrupted());
    }
}
