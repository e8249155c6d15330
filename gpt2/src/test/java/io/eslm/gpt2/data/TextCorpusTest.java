// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import io.eslm.gpt2.tokenizer.Gpt2Tokenizer;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.tensor.UserError;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TextCorpusTest {
    private static final String END = "<|endoftext|>";

    @TempDir
    Path dir;
    private Path in;
    private Path out;

    @BeforeEach
    void folders() throws IOException {
        in = Files.createDirectory(dir.resolve("in"));
        out = dir.resolve("out");
    }

    @Test
    void theLastTenthOfASingleFileIsHeldOut() throws IOException {
        String text = "Some words of a short story, line by line.\n".repeat(500);
        TokenData data = prepare(put("story.txt", text), 0.1);
        String train = Tokens.text(data.train(), "all");
        String val = Tokens.text(data.val().orElseThrow(), "all");
        assertEquals(text + END, train + val);
        double share = (double) data.val().get().tokens().size() / Tokens.TOKENIZER.encode(text).length;
        assertEquals(0.1, share, 0.001);
        assertInstanceOf(Gpt2Tokenizer.class, data.tokenizer().orElseThrow());
    }

    @Test
    void manyFilesAreHeldOutWholeAndStably() throws IOException {
        for (int i = 0; i < 200; i++) {
            put("f" + i + ".txt", "This is file number " + i + ".");
        }
        List<String> train = documents(prepare(in, 0.1).train());
        List<String> val = documents(TokenData.open(out).val().orElseThrow());
        assertEquals(200, new HashSet<>(Stream.concat(train.stream(), val.stream()).toList()).size());
        assertEquals(20, val.size(), 12, "binomial, deviation 4.2");
        for (int i = 200; i < 300; i++) {
            put("f" + i + ".txt", "This is file number " + i + ".");
        }
        assertTrue(documents(prepare(in, 0.1).val().orElseThrow()).containsAll(val), "no file changes sides");
    }

    @Test
    void subfoldersAreDomains() throws IOException {
        put("a/1.txt", "alpha");
        put("a/deep/2.txt", "alef");
        put("b/1.txt", "beta");
        put("top.txt", "top");
        TokenData data = prepare(in, 0);
        assertEquals(List.of(".", "a", "b"), data.train().domains().stream().map(Domain::name).toList());
        assertEquals("alpha" + END + "alef" + END, Tokens.text(data.train(), "a"));
        assertEquals("top" + END, Tokens.text(data.train(), "."));
        assertTrue(data.val().isEmpty());
    }

    @Test
    void oneSubfolderIsNoDomain() throws IOException {
        put("a/1.txt", "alpha");
        put("top.txt", "top");
        assertEquals("alpha" + END + "top" + END, Tokens.text(prepare(in, 0).train(), "all"));
    }

    @Test
    void everyDomainHasItsHeldOutPart() throws IOException {
        for (int i = 0; i < 100; i++) {
            put("large/" + i + ".txt", "words and more words " + i);
        }
        put("small/1.txt", "a few words in a single file, which has to be cut");
        TokenData data = prepare(in, 0.2);
        assertEquals(List.of("large", "small"), data.val().orElseThrow().domains().stream().map(Domain::name).toList());
        String small = Tokens.text(data.train(), "small") + Tokens.text(data.val().get(), "small");
        assertEquals("a few words in a single file, which has to be cut" + END, small);
    }

    @Test
    void whatIsNotTextIsSkippedAndCounted() throws IOException {
        put("a.txt", "text");
        put(".hidden/b.txt", "unseen");
        put(".c", "unseen");
        put("d.txt", "");
        Files.write(in.resolve("e.jpg"), new byte[] {(byte) 0xFF, (byte) 0xD8});
        Files.write(in.resolve("f.bin"), new byte[] {'a', 'b', 0});
        var notes = new ArrayList<String>();
        TextCorpus corpus = TextCorpus.open(in, (_, total, what) -> {
            if (total == 0) {
                notes.add(what);
            }
        });
        corpus.prepare(out, Division.toTrain(0), Tokens.GPT2, Progress.SILENT);
        assertEquals("text" + END, Tokens.text(TokenData.open(out).train(), "all"));
        assertEquals(List.of(in + ": 1 text files; skipped 2 hidden, 3 that are not text (first: d.txt, it is empty)."),
                notes);
        assertTrue(TokenData.open(out).source().contains("1 text files, 2 hidden, 3 that are not text"));
    }

    @Test
    void theLiteralEndOfTextBecomesTheToken() throws IOException {
        put("a.txt", "one" + END + "two\n" + END);
        assertArrayEquals(new int[] {505, 50256, 11545, 198, 50256}, Tokens.ids(prepare(in, 0).train().tokens()));
    }

    @Test
    void aLargeFileInPiecesHasTheTokensOfTheWhole() throws IOException {
        String text = "Words,  and\n\n  more words, 12 of them: naïve.\n".repeat(60_000);
        int[] expected = Tokens.TOKENIZER.encode(text);
        int[] ids = Tokens.ids(prepare(put("a.txt", text), 0).train().tokens());
        assertEquals(expected.length + 1, ids.length);
        assertArrayEquals(expected, Arrays.copyOf(ids, expected.length));
    }

    @Test
    void theSameTextGivesTheSameBytes() throws IOException {
        for (int i = 0; i < 60; i++) {
            put(i % 3 + "/f" + i + ".txt", "text " + i + " ".repeat(i));
        }
        prepare(in, 0.1);
        Path again = dir.resolve("again");
        TextCorpus.open(in, Progress.SILENT).prepare(again, Division.toTrain(0.1), Tokens.GPT2, Progress.SILENT);
        for (String file : List.of("train.bin", "val.bin", "meta.json")) {
            assertEquals(-1, Files.mismatch(out.resolve(file), again.resolve(file)), file);
        }
    }

    @Test
    void errorsNameFilePlaceAndRemedy() throws IOException {
        refuses(in, "contains no text: 0 files");
        Files.write(in.resolve("b.txt"), new byte[] {'a', (byte) 0xC3});
        refuses(in, "1 that are not text (first: b.txt, byte 1 is not UTF-8)");
        refuses(in.resolve("b.txt"), "is not text: byte 1 is not UTF-8. Name UTF-8 text");
        refuses(Files.write(in.resolve("c.txt"), new byte[] {'a', 'b', 0, 'c'}), "NUL byte at byte 2");
        refuses(put("d.txt", ""), "is not text: it is empty");
        Path bom = put("e.txt", "\uFEFF");
        assertTrue(assertThrows(UserError.class, () -> prepare(bom, 0.1)).getMessage()
                .contains("too short: it has 0 tokens"));
    }

    @Test
    void aFailureLeavesThePreparedFolderAsItWas() throws IOException {
        Path file = put("a.txt", "some good text");
        prepare(file, 0);
        byte[] before = Files.readAllBytes(out.resolve("train.bin"));
        TextCorpus corpus = TextCorpus.open(file, Progress.SILENT);
        Files.write(file, new byte[] {'a', ' ', 'b', (byte) 0xFF});
        assertThrows(UserError.class, () -> corpus.prepare(out, Division.toTrain(0), Tokens.GPT2, Progress.SILENT));
        assertArrayEquals(before, Files.readAllBytes(out.resolve("train.bin")));
        try (Stream<Path> files = Files.list(out)) {
            assertEquals(List.of("merges.txt", "meta.json", "train.bin", "vocab.json"),
                    files.map(f -> f.getFileName().toString()).sorted().toList());
        }
    }

    @Test
    void progressEndsAtTheTotal() throws IOException {
        put("a.txt", "0123456789");
        put("b.txt", "01234");
        var seen = new ArrayList<Long>();
        TextCorpus.open(in, Progress.SILENT).prepare(out, Division.toTrain(0), Tokens.GPT2, (done, total, _) -> {
            assertEquals(15, total);
            seen.add(done);
        });
        assertEquals(List.of(10L, 15L), seen.stream().distinct().toList());
        assertFalse(Files.exists(out.resolve("val.bin")));
    }

    private TokenData prepare(Path from, double heldOut) {
        TextCorpus.open(from, Progress.SILENT).prepare(out, Division.toTrain(heldOut), Tokens.GPT2, Progress.SILENT);
        return TokenData.open(out);
    }

    private Path put(String name, String text) throws IOException {
        Path file = in.resolve(name);
        Files.createDirectories(file.getParent());
        return Files.writeString(file, text);
    }

    private static List<String> documents(TokenSet set) {
        return List.of(Tokens.TOKENIZER.decode(Tokens.ids(set.tokens())).split("<\\|endoftext\\|>"));
    }

    private static void refuses(Path path, String why) {
        String message = assertThrows(UserError.class, () -> TextCorpus.open(path, Progress.SILENT)).getMessage();
        assertTrue(message.contains(path.toString()) && message.contains(why), message);
    }
}
