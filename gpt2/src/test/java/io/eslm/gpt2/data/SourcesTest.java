// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

import java.util.Optional;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.tensor.UserError;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Links, JSON lines, and files that are not text. */
class SourcesTest {
    private static final String END = "<|endoftext|>";

    @TempDir
    private Path dir;
    private Path in;
    private DataSource source;
    private final List<String> notes = new ArrayList<>();

    @BeforeEach
    void folders() throws IOException {
        in = Files.createDirectories(dir.resolve("in"));
        source = new DataSource(new DataCache(dir.resolve("cache"), new CacheLimit(1 << 30)), dir);
    }

    private Path put(String name, String text) throws IOException {
        Files.createDirectories(dir.resolve(name).getParent());
        return Files.writeString(dir.resolve(name), text);
    }

    private String prepare(Path from, boolean followLinks) {
        notes.clear();
        TokenData data = source.prepareAt(from.toString(),
                new DataSource.Target(dir.resolve("out"), OptionalDouble.of(0), followLinks),
                Tokens.GPT2,
                (_, total, what) -> {
                    if (total == 0) {
                        notes.add(what);
                    }
                });
        return Tokens.TOKENIZER.decode(Tokens.ids(data.train().tokens()));
    }

    @Test
    void aLinkAsTheSourceIsFollowed() throws IOException {
        put("in/a.txt", "alpha");
        Path link = Files.createSymbolicLink(dir.resolve("link"), in);
        assertEquals("alpha" + END, prepare(link, false));
        assertEquals("alpha" + END,
                prepare(Files.createSymbolicLink(dir.resolve("l.txt"), in.resolve("a.txt")), false));
    }

    @Test
    void linksInAFolderAreFollowedOnceAndNotOutOfIt() throws IOException {
        put("in/a/1.txt", "alpha");
        put("in/.store/2.txt", "stored");
        put("out-of-it/3.txt", "far");
        Files.createSymbolicLink(in.resolve("2.txt"), in.resolve(".store/2.txt"));
        Files.createSymbolicLink(in.resolve("again.txt"), in.resolve("a/1.txt"));
        Files.createSymbolicLink(in.resolve("a/loop"), in);
        Files.createSymbolicLink(in.resolve("circle"), in.resolve("circle"));
        Files.createSymbolicLink(in.resolve("far"), dir.resolve("out-of-it"));
        Files.createSymbolicLink(dir.resolve("out-of-it/back"), in);
        assertEquals("stored" + END + "alpha" + END, prepare(in, false));
        assertEquals(List.of(
                in + ": 2 text files; skipped 1 hidden, 1 links out of the folder, which prepare follows on request, "
                        + "1 links that lead nowhere, 2 links to what is read already."),
                notes);
        String all = prepare(in, true);
        assertTrue(all.contains("far") && all.contains("stored") && all.contains("alpha")
                && all.split("<.endoftext.>").length == 3, all);
    }

    @Test
    void eachLineOfJsonIsADocument() throws IOException {
        Path file = put("in/five.jsonl",
                "{\"id\": 1, \"text\": \"one \\u201cquoted\\u201d\"}\n\n{\"text\":\"two\",\"x\":[{}]}\r\n"
                        + "{\"text\":\"\"}\n{\"meta\":{\"text\":\"no\"},\"text\":\"three\\nlines\"}");
        assertEquals("one \u201cquoted\u201d" + END + "two" + END + "three\nlines" + END, prepare(file, false));
        assertEquals("one \u201cquoted\u201d" + END + "two" + END + "three\nlines" + END, prepare(in, false));
    }

    @ParameterizedTest
    @ValueSource(strings = {"[1]", "{\"text\": 1}", "{\"words\": \"x\"}", "{\"text\": \"x\"", "plain text",
        "{\"text\":\"x\"} {}", "{\"text\":\"x\",\"text\":\"y\"}", "{text:'x'}"})
    void aLineThatIsNoDocumentIsNamed(String line) throws IOException {
        Path file = put("in/bad.jsonl", "{\"text\": \"good\"}\n" + line + "\n");
        String message = assertThrows(UserError.class, () -> prepare(file, false)).getMessage();
        assertTrue(message.startsWith(file + ", line 2: is no document: "), message);
        Path first = put("in/first.jsonl", line);
        message = assertThrows(UserError.class, () -> prepare(first, false)).getMessage();
        assertTrue(message.startsWith(first + " is not text: the first line is no document"), message);
    }

    @ParameterizedTest
    @CsvSource({"json, no array of objects", "csv, has no column", "PARQUET, is no Parquet file", "xz, not plain text"})
    void whatIsNotPlainTextIsRefusedByName(String ending, String why) throws IOException {
        Path file = put("data." + ending, "a,b\n1,2\n");
        String message = assertThrows(UserError.class, () -> prepare(file, false)).getMessage();
        assertTrue(message.contains(why), message);
    }

    /** Documents are separated; nothing is added at the end of what is measured. */
    @Test
    void whatIsMeasuredEndsAsItEnds() throws IOException {
        put("in/a.txt", "one" + END + "two");
        put("in/b.txt", "three");
        put("in/c.txt", "four" + END);
        assertEquals("one" + END + "two" + END + "three" + END + "four" + END, measured(in));
        Files.delete(in.resolve("c.txt"));
        assertEquals("one" + END + "two" + END + "three", measured(in));
        assertEquals("one" + END + "two", measured(in.resolve("a.txt")));
        assertEquals("one" + END + "two" + END, prepare(in.resolve("a.txt"), false), "for training it does");
    }

    private String measured(Path path) {
        return Tokens.TOKENIZER
                .decode(Tokens.ids(source.eval(path.toString(), Optional.empty(), Progress.SILENT).tokens()));
    }

    @Test
    void aFileThatChangesWhileItIsReadIsRefused() throws IOException {
        Path file = put("in/a.txt", "some words");
        TextCorpus corpus = TextCorpus.open(file, Progress.SILENT);
        Files.writeString(file, "same WORDS");
        String message =
                assertThrows(UserError.class,
                        () -> corpus.prepare(dir.resolve("o"), Division.toTrain(0), Tokens.GPT2, Progress.SILENT))
                        .getMessage();
        assertTrue(message.contains("changed while it was read"), message);
    }
}
