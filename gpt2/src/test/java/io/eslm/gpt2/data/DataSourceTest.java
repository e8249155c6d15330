// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import io.eslm.gpt2.tokenizer.ByteTokenizer;
import io.eslm.gpt2.tokenizer.CharTokenizer;
import io.eslm.gpt2.tokenizer.Gpt2Tokenizer;
import io.eslm.gpt2.tokenizer.Tokenizer;
import io.eslm.gpt2.tokenizer.Tokenizers;
import java.util.Optional;
import java.util.stream.IntStream;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.tensor.UserError;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DataSourceTest {
    @TempDir
    Path dir;
    private Path cache;
    private DataSource source;
    private Path text;

    @BeforeEach
    void ownCache() throws IOException {
        cache = dir.resolve("cache/eslm");
        source = new DataSource(DataCache.ofUser(Map.of("XDG_CACHE_HOME", dir.resolve("cache").toString())), dir);
        text = Files.writeString(dir.resolve("my text.txt"), "A line of words.\n".repeat(100));
    }

    @Test
    void textIsPreparedOnceAndAgainWhenItChanges() throws IOException {
        var work = new ArrayList<String>();
        Progress progress = (_, total, what) -> {
            if (total > 0) {
                work.add(what);
            }
        };
        assertEquals(541, source.train(text.toString(), Optional.empty(), progress).train().tokens().size());
        int once = work.size();
        source.train(text.toString(), Optional.empty(), progress);
        assertEquals(once, work.size(), "the second time it comes from the cache");
        FileTime before = Files.getLastModifiedTime(text);
        Files.setLastModifiedTime(text, FileTime.fromMillis(1_000_000));
        source.train(text.toString(), Optional.empty(), progress);
        assertEquals(once, work.size(), "another date, the same content");
        Files.setLastModifiedTime(text, before);
        Files.writeString(text, "A line of WORDS.\n".repeat(100));
        Files.setLastModifiedTime(text, before);
        source.train(text.toString(), Optional.empty(), progress);
        assertTrue(work.size() > once, "the same name, size and date, other content");
        assertEquals(2, cached().size());
        assertTrue(cached().getFirst().startsWith("my_text.txt-"), cached()::toString);
    }

    @Test
    void aHalfWrittenCacheFolderIsNotUsed() throws IOException {
        source.train(text.toString(), Optional.empty(), Progress.SILENT);
        Path folder = cache.resolve(cached().getFirst());
        Files.writeString(folder.resolve("train.bin"), "damaged!");
        assertEquals(541, source.train(text.toString(), Optional.empty(), Progress.SILENT).train().tokens().size());
        Files.delete(folder.resolve("meta.json"));
        assertEquals(541, source.train(text.toString(), Optional.empty(), Progress.SILENT).train().tokens().size());
    }

    @Test
    void aFailureLeavesNothingInTheCache() throws IOException {
        Path bom = Files.writeString(dir.resolve("bom.txt"), "\uFEFF");
        assertThrows(UserError.class, () -> source.train(bom.toString(), Optional.empty(), Progress.SILENT));
        assertEquals(List.of(), cached());
    }

    @Test
    void withoutAWritableCacheATemporaryFolderServes() throws IOException {
        Files.writeString(dir.resolve("cache"), "a file where the cache should be");
        var notes = new ArrayList<String>();
        TokenData data = source.train(text.toString(), Optional.empty(), (_, total, what) -> {
            if (total == 0) {
                notes.add(what);
            }
        });
        assertEquals(541, data.train().tokens().size());
        assertTrue(notes.getFirst().contains("cannot write to the cache " + cache)
                && notes.getFirst().contains("XDG_CACHE_HOME"), notes::toString);
    }

    @Test
    void preparedFoldersAndTokenFilesAreReadInPlace() throws IOException {
        int[] ids = new int[100];
        Path folder = Tokens.write(dir.resolve("nano/train.bin"), ids).getParent();
        Tokens.write(folder.resolve("val.bin"), 1, 2, 3);
        TokenData nano = source.train(folder.toString(), Optional.empty(), Progress.SILENT);
        assertEquals(List.of("all"), nano.train().domains().stream().map(Domain::name).toList());
        assertEquals(3, nano.val().orElseThrow().tokens().size());
        assertEquals(Optional.empty(), nano.tokenizer());
        assertInstanceOf(Gpt2Tokenizer.class, nano.forVocabulary(50304).tokenizer().orElseThrow());
        assertEquals(Optional.empty(), nano.forVocabulary(64).tokenizer());
        Tokenizers.write(new CharTokenizer("a", "b", "c", "d"), folder);
        nano = source.train(folder.toString(), Optional.empty(), Progress.SILENT);
        assertEquals("bcd", nano.tokenizer().orElseThrow().decode(1, 2, 3));
        TokenData characters = nano;
        assertTrue(assertThrows(UserError.class, () -> characters.forVocabulary(3)).getMessage()
                .contains("does not fit the tokenizer (4 characters)"));
        String said = assertThrows(UserError.class, () -> source.train(folder.toString(),
                Optional.of(new ByteTokenizer()), Progress.SILENT)).getMessage();
        assertTrue(said.contains("its tokens are of another tokenizer (4 characters)")
                && said.contains("id 0 is \"a\" in one"), said);

        TokenData file = source.train(folder.resolve("train.bin").toString(), Optional.empty(), Progress.SILENT);
        assertEquals(90, file.train().tokens().size());
        assertEquals(10, file.val().orElseThrow().tokens().size());
        assertFalse(Files.exists(cache));
    }

    @Test
    void evaluationUsesAllOfATextAndTheHeldOutPartOfAFolder() throws IOException {
        TokenSet whole = source.eval(text.toString(), Optional.empty(), Progress.SILENT);
        assertEquals("A line of words.\n".repeat(100),
                Tokens.TOKENIZER.decode(Tokens.ids(whole.tokens())));
        Path folder = Tokens.write(dir.resolve("nano/train.bin"), new int[100]).getParent();
        assertTrue(
                assertThrows(UserError.class, () -> source.eval(folder.toString(), Optional.empty(), Progress.SILENT))
                        .getMessage()
                        .contains("no held-out part"));
        Tokens.write(folder.resolve("val.bin"), 1, 2, 3);
        assertArrayEquals(new int[] {1, 2, 3},
                Tokens.ids(source.eval(folder.toString(), Optional.empty(), Progress.SILENT).tokens()));
        assertEquals(100,
                source.eval(folder.resolve("train.bin").toString(), Optional.empty(), Progress.SILENT).tokens().size());
    }

    @Test
    void prepareWritesAFolderThatOpens() throws IOException {
        Path out = dir.resolve("a/b/out");
        TokenData data =
                source.prepareAt(text.toString(), new DataSource.Target(out, OptionalDouble.of(0.25), false),
                        Tokens.GPT2, Progress.SILENT);
        assertEquals(601, data.train().tokens().size() + data.val().orElseThrow().tokens().size());
        assertEquals(150, data.val().get().tokens().size());
        assertEquals(text.toString(), TokenData.open(out).source());
        String again =
                source.prepareAt(text.toString(), new DataSource.Target(out, OptionalDouble.of(0), false), Tokens.GPT2,
                        Progress.SILENT).val()
                        .toString();
        assertEquals("Optional.empty", again, "val.bin of the earlier preparation is gone");
    }

    @Test
    void refusalsSayWhatToDo() throws IOException {
        Path folder = Tokens.write(dir.resolve("nano/train.bin"), new int[10]).getParent();
        refuses("is already prepared", folder.toString(), dir.resolve("out"), 0.1);
        refuses("held out 0.7: must be from 0 to 0.5", text.toString(), dir.resolve("out"), 0.7);
        refuses(": no such file or folder. Name", dir.resolve("nowhere").toString(), dir.resolve("out"), 0.1);
        refuses(": no such file or folder. Name", " ", dir.resolve("out"), 0.1);
        refuses("inside its own source", dir.toString(), dir.resolve("out"), 0.1);
        refuses("is a file", text.toString(), text.resolveSibling("nano").resolve("train.bin"), 0.1);
        refuses("contains no text", "jdk", dir.resolve("out"), 0.1);
        assertTrue(assertThrows(UserError.class, () -> TokenData.open(dir)).getMessage().contains("has no train.bin"));
    }

    @Test
    void metaMustFitToTheFiles() throws IOException {
        Path out = dir.resolve("out");
        source.prepareAt(text.toString(), new DataSource.Target(out, OptionalDouble.empty(), false), Tokens.GPT2,
                Progress.SILENT);
        String meta = Files.readString(out.resolve("meta.json"));
        damaged(meta.replace("\"train_tokens\": 541", "\"train_tokens\": 540"), "train\" has the range [0,541]");
        damaged(meta.replace("\"val_tokens\": 60", "\"val_tokens\": 61"),
                "has 60 tokens, but meta.json beside it says 61");
        damaged(meta.replace("\"format_version\": 1", "\"format_version\": 2"), "format version 2");
        damaged(meta.replace("\"domains\"", "\"x\""), "has no object \"domains\"");
        damaged("{", "is not valid JSON");
        damaged(meta.replace("[\n          0,\n          541\n        ]", "[1]"), "train\" has the range [1]");
        damaged(meta.replace("50257", "null"), "has no \"vocab_size\"");
        damaged("[]", "it is not an object");
    }

    private void damaged(String meta, String why) throws IOException {
        Files.writeString(dir.resolve("out/meta.json"), meta);
        String message = assertThrows(UserError.class, () -> TokenData.open(dir.resolve("out"))).getMessage();
        assertTrue(message.contains(why) && message.contains("Prepare the folder again"), message);
    }

    private void refuses(String why, String data, Path out, double heldOut) {
        String message = assertThrows(UserError.class,
                () -> source.prepareAt(data, new DataSource.Target(out, OptionalDouble.of(heldOut), false), Tokens.GPT2,
                        Progress.SILENT))
                .getMessage();
        assertTrue(message.contains(why), message);
    }

    private List<String> cached() throws IOException {
        try (Stream<Path> folders = Files.list(cache)) {
            return folders.filter(Files::isDirectory).map(folder -> folder.getFileName().toString()).sorted().toList();
        }
    }

    /** A vocabulary above 2^16 takes 32 bits a token; the folder says so, and brings its tokenizer. */
    @Test
    void aLargeVocabularyIsPreparedIn32Bits() {
        String[] all = IntStream.range(0, Character.MAX_CODE_POINT + 1)
                .filter(c -> c < Character.MIN_SURROGATE || c > Character.MAX_SURROGATE).limit(70_000)
                .mapToObj(Character::toString).toArray(String[]::new);
        Tokenizer tokenizer = new CharTokenizer(all);
        Path out = dir.resolve("large");
        TokenData data = source.prepareAt(text.toString(), new DataSource.Target(out, OptionalDouble.of(0.25), false),
                new TextEncoder(tokenizer, true), Progress.SILENT);
        assertEquals(1700, data.train().tokens().size() + data.val().orElseThrow().tokens().size());
        TokenData again = TokenData.open(out);
        assertEquals("A line of",
                again.tokenizer().orElseThrow().decode(Tokens.ids(again.train().tokens().slice(0, 9))));
        assertEquals(4, again.train().tokens().width());
    }

    /** The same tokens in many files: the same content, the same windows, and each file has its checksum. */
    @Test
    void manyTokensAreWrittenInShards() throws IOException {
        Path one = dir.resolve("one");
        Path many = dir.resolve("many");
        DataSource.Target whole = new DataSource.Target(one, OptionalDouble.of(0.25), false);
        TokenData expected = source.prepareAt(text.toString(), whole, Tokens.GPT2, Progress.SILENT);
        DataSource.Target target = new DataSource.Target(many, OptionalDouble.of(0.25), false, 100);
        source.prepareAt(text.toString(), target, Tokens.GPT2, Progress.SILENT);
        TokenData data = TokenData.open(many);
        int n = (int) expected.train().tokens().size();
        assertTrue(Files.exists(many.resolve("train-%05d.bin".formatted((n - 1) / 100))), "ceil(n/100) shards");
        assertFalse(Files.exists(many.resolve("train.bin")));
        assertEquals(expected.content(), data.content(), "content does not depend on the files");
        assertArrayEquals(Tokens.ids(expected.train().tokens()), Tokens.ids(data.train().tokens()));
        for (long[] range : new long[][] {{0, n}, {99, 101}, {100, 200}, {50, 351}, {n - 1, n}}) {
            assertArrayEquals(Tokens.ids(expected.train().tokens().slice(range[0], range[1])),
                    Tokens.ids(data.train().tokens().slice(range[0], range[1])), "slice");
        }
        assertThrows(IndexOutOfBoundsException.class, () -> data.train().tokens().get(n));
        source.prepareAt(text.toString(), new DataSource.Target(many, OptionalDouble.of(0.25), false), Tokens.GPT2,
                Progress.SILENT);
        assertEquals(List.of("train.bin"), names(many, "train"), "shards of an earlier preparation are gone");
        assertEquals(expected.content(), TokenData.open(many).content());
    }

    /** What a preparation that was killed at its very end has left in its folder does not come into the next one. */
    @Test
    void goesOnWhereThereAreFinishedFiles() throws IOException {
        Path out = dir.resolve("killed");
        Path unfinished = Files.createDirectories(out.resolve(Journal.FOLDER));
        for (String name : List.of("train.bin", "train-00000.bin", "train-00009.bin", "val.bin")) {
            Tokens.write(unfinished.resolve(name), 1, 2, 3);
        }
        TokenData killed = source.prepareAt(text.toString(), new DataSource.Target(out, OptionalDouble.of(0.25), false),
                Tokens.GPT2, Progress.SILENT);
        TokenData fresh = source.prepareAt(text.toString(),
                new DataSource.Target(dir.resolve("fresh"), OptionalDouble.of(0.25), false), Tokens.GPT2,
                Progress.SILENT);
        assertEquals(fresh.content(), killed.content());
        assertEquals(List.of("train.bin"), names(out, "train"));
    }

    @Test
    void aShardThatIsDamagedOrMissingIsNamed() throws IOException {
        Path many = dir.resolve("many");
        source.prepareAt(text.toString(), new DataSource.Target(many, OptionalDouble.of(0.25), false, 100), Tokens.GPT2,
                Progress.SILENT);
        Path shard = many.resolve("train-00002.bin");
        byte[] bytes = Files.readAllBytes(shard);
        byte[] flipped = bytes.clone();
        flipped[7] ^= 1;
        Files.write(shard, flipped);
        String damaged = assertThrows(UserError.class, () -> TokenData.open(many).content()).getMessage();
        assertTrue(damaged.contains("train-00002.bin is damaged"), damaged);
        Files.delete(shard);
        String missing = assertThrows(UserError.class, () -> TokenData.open(many)).getMessage();
        assertTrue(missing.contains("train-00002.bin, of 100 tokens, is missing"), missing);
        Files.write(shard, bytes);
        TokenData.open(many).content();
    }

    /** llm.c's folder of shards, and a pattern of token files. */
    @Test
    void shardsOfOthersAreOneData() throws IOException {
        Path folder = Files.createDirectories(dir.resolve("fineweb"));
        for (int i : new int[] {1, 2, 10}) {
            Tokens.write(folder.resolve("fineweb_train_" + i + ".bin"), 10 * i, 10 * i + 1, 10 * i + 2);
        }
        Tokens.write(folder.resolve("fineweb_val_000000.bin"), 7, 8, 9);
        TokenData data = source.train(folder.toString(), Optional.empty(), Progress.SILENT);
        assertArrayEquals(new int[] {10, 11, 12, 20, 21, 22, 100, 101, 102}, Tokens.ids(data.train().tokens()));
        assertArrayEquals(new int[] {7, 8, 9}, Tokens.ids(data.val().orElseThrow().tokens()));
        UserError wrong = assertThrows(UserError.class, () -> data.checkVocab(101));
        assertTrue(wrong.getMessage().contains("fineweb_train_10.bin: token 1 has id 101"), wrong.getMessage());

        TokenData some = source.train(folder + "/*train_[12].bin", Optional.empty(), Progress.SILENT);
        assertArrayEquals(new int[] {10, 11, 12, 20, 21, 22}, Tokens.ids(some.train().tokens()));
    }

    private static List<String> names(Path folder, String start) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).filter(name -> name.startsWith(start)).sorted()
                    .toList();
        }
    }
}
