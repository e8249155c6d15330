// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data.source;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.github.luben.zstd.Zstd;
import io.eslm.gpt2.data.source.Formats.Format;
import io.eslm.gpt2.data.source.Formats.Found;
import io.eslm.tensor.UserError;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class FormatsTest {
    /** The documents of the golden files; a row without a text is empty. */
    private static final List<String> ROWS = List.of("The river is wide.", "Two\nlines, \"quoted\", and a comma", "",
            "naïve 日本 😀", "", "nul \0 inside", "The river is wide.");
    private static final Columns BY_LANG = new Columns("text", "lang");

    @TempDir
    private Path dir;

    static Path golden(String name) {
        try {
            URI uri = FormatsTest.class.getResource("/golden/data/" + name).toURI();
            return Path.of(uri);
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    private static Found find(Path path, Columns columns) throws IOException {
        return Formats.of(new SourceFile(path, path.getFileName().toString()), null, columns);
    }

    private static List<Piece> read(Path path, Columns columns) throws IOException {
        Found found = find(path, columns);
        List<Piece> pieces = new ArrayList<>();
        try (SourceFile.Opened opened = found.file().open()) {
            found.reader().read(opened, batch -> {
                pieces.addAll(batch.pieces());
                assertTrue(batch.position() >= 0 && batch.position() <= path.toFile().length());
            });
        }
        return pieces;
    }

    private static List<String> texts(Path path) throws IOException {
        return read(path, Columns.DEFAULT).stream().map(Piece::text).toList();
    }

    private Path put(String name, String text) throws IOException {
        return Files.writeString(dir.resolve(name), text);
    }

    private static String refused(Path path, Columns columns) {
        return assertThrows(UserError.class, () -> read(path, columns)).getMessage();
    }

    @ParameterizedTest
    @ValueSource(strings = {"none", "snappy", "zstd", "gzip"})
    void parquetOfEveryCodec(String codec) throws IOException {
        Path file = golden(codec + ".parquet");
        assertEquals(7, find(file, Columns.DEFAULT).documents());
        assertEquals(Format.PARQUET, find(file, Columns.DEFAULT).format());
        assertEquals(ROWS, texts(file));
        List<Piece> pieces = read(file, BY_LANG);
        assertEquals(List.of("en", "en", "en", "fr", "fr", "xx", "en"), pieces.stream().map(Piece::domain).toList());
        assertTrue(pieces.stream().allMatch(Piece::ends));
        assertEquals(ROWS, texts(golden("large.parquet")), "strings with 64-bit offsets");
    }

    /** The library can wait for ever for a page that reaches beyond its chunk: nothing like that gets to it. */
    @ParameterizedTest
    @ValueSource(strings = {"none", "snappy"})
    void aDamagedParquetFileEnds(String codec) throws Exception {
        byte[] whole = Files.readAllBytes(golden(codec + ".parquet"));
        // the library waits for its own threads most of the time, so that many read at once
        ExecutorService readers = Executors.newFixedThreadPool(8, Thread.ofPlatform().daemon().factory());
        try {
            Map<Integer, Future<?>> all = new TreeMap<>();
            for (int i = 0; i < whole.length; i += 3) {
                int at = i;
                all.put(at, readers.submit(() -> {
                    readDamaged(whole, at);
                    return null;
                }));
            }
            for (var one : all.entrySet()) {
                assertDoesNotThrow(() -> one.getValue().get(60, TimeUnit.SECONDS), "byte " + one.getKey());
            }
        } finally {
            readers.shutdownNow();
        }
    }

    private void readDamaged(byte[] whole, int at) throws IOException {
        byte[] bytes = whole.clone();
        bytes[at] = (byte) (at % 2 == 0 ? ~bytes[at] : bytes[at] + 64);
        Path file = Files.write(dir.resolve("damaged-" + at + ".parquet"), bytes);
        try {
            read(file, Columns.DEFAULT);
        } catch (UserError e) {
            assertTrue(e.getMessage().contains("damaged"), e.getMessage());
        }
    }

    @Test
    void aParquetColumnMustHoldStrings() throws IOException {
        Path file = golden("snappy.parquet");
        assertTrue(refused(file, new Columns("words", null)).contains(
                "has no column \"words\", but id, text, lang, nested.text, list.list.element, raw. Name one"),
                refused(file, new Columns("words", null)));
        assertTrue(refused(file, new Columns("text", "source")).contains("no column \"source\""));
        assertTrue(refused(file, new Columns("id", null)).contains("holds INT64, not strings"));
        assertTrue(refused(file, new Columns("nested", null)).contains("has columns or lists inside"));
        assertTrue(refused(file, new Columns("list", null)).contains("has columns or lists inside"));
        assertTrue(refused(file, new Columns("raw", null)).contains("row 0: is not UTF-8"));
        byte[] bytes = Files.readAllBytes(file);
        Path cut = Files.write(dir.resolve("cut.parquet"), Arrays.copyOf(bytes, bytes.length / 2));
        assertTrue(refused(cut, Columns.DEFAULT).contains("is no Parquet file that can be read, or is damaged"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"lines.jsonl.gz", "lines.jsonl.zst"})
    void compressedLinesInSeveralMembers(String name) throws IOException {
        List<String> rows = new ArrayList<>(ROWS);
        rows.remove(4);
        assertEquals(rows, texts(golden(name)));
        assertEquals(Format.JSONL, find(golden(name), Columns.DEFAULT).format());
    }

    @Test
    void aTruncatedFileIsNotTakenForAWholeOne() throws IOException {
        for (String name : List.of("lines.jsonl.gz", "lines.jsonl.zst")) {
            byte[] bytes = Files.readAllBytes(golden(name));
            Path cut = Files.write(dir.resolve(name), Arrays.copyOf(bytes, bytes.length - 5));
            assertThrows(IOException.class, () -> texts(cut), name);
        }
    }

    @Test
    void tablesFollowRfc4180() throws IOException {
        String rows = "\"one\r\nline\",1\r\n\"say \"\"hi\"\", he said\",2\nplain,3\n";
        assertEquals(List.of("one\r\nline", "say \"hi\", he said", "plain"),
                texts(put("a.csv", "\uFEFFtext,n\r\n" + rows)));
        assertEquals(List.of("a;b", "c"), texts(put("b.csv", "n;text\n1;\"a;b\"\n2;c\n")));
        assertEquals(List.of("a, b", "c\nd"), texts(put("c.tsv", "n\ttext\n1\ta, b\n2\t\"c\nd\"")));
        assertEquals(List.of("x", "y"), read(put("d.csv", "text,lang\na,x\nb,y"), BY_LANG).stream()
                .map(Piece::domain).toList());
    }

    @Test
    void aTableThatIsDoubtfulIsRefused() throws IOException {
        assertTrue(refused(put("a.csv", "words,n\na,1\n"), Columns.DEFAULT)
                .contains("has no column \"text\", but words, n. Name one of them as the text field."));
        assertTrue(refused(put("b.csv", "text,n\na,1\nb\n"), Columns.DEFAULT).contains("after line 2"));
        assertTrue(refused(put("c.csv", "text\na\n"), Columns.DEFAULT).contains("could separate"),
                "a single column says nothing of the separator");
        assertTrue(refused(put("d.csv", "text,text\na,b\n"), Columns.DEFAULT).contains("two columns \"text\""));
        assertTrue(refused(put("e.csv", "text,n\n\"a,1\n"), Columns.DEFAULT).length() > 10);
    }

    @Test
    void arraysAndLinesOfJson() throws IOException {
        assertEquals(List.of("a", "b\0c"),
                texts(put("a.json", " [{\"text\":\"a\"},\n{\"x\":[1],\"text\":\"b\\u0000c\"}]")));
        assertEquals(List.of("a", "b"), texts(put("b.json", "{\"text\":\"a\"}\n{\"text\":\"b\"}\n")));
        assertEquals(List.of("a", "b"), texts(put("c", "{\"text\":\"a\"}\n{\"text\":\"b\"}\n")), "no ending");
        assertEquals(List.of("x"),
                read(put("d.jsonl", "{\"body\":\"x\",\"text\":1}"), new Columns("body", null)).stream()
                        .map(Piece::text).toList());
        assertTrue(refused(put("e.json", "[{\"text\":\"a\"},{\"text\":2}]"), Columns.DEFAULT)
                .contains("element 2: is no document: its \"text\" is not a string"));
        assertTrue(refused(put("f.json", "{\n \"data\": []\n}"), Columns.DEFAULT).contains("no array of objects"));
        assertTrue(refused(put("g.txt", "{\"text\":\"a\"}\n{\"text\":\"b\"}\n"), Columns.DEFAULT)
                .contains("looks like JSON lines, but its name says otherwise"));
        assertTrue(refused(put("h.jsonl", "{\"text\":\"a\"}"), BY_LANG).contains("no field \"lang\""));
        assertThrows(IOException.class, () -> texts(put("i.json", "[{\"text\":\"a\"}")));
    }

    @ParameterizedTest
    @CsvSource({"a.xz, compressed with xz", "a.zip, an archive", "a.docx, a Word document",
        "a.parquet, no Parquet file"})
    void whatNoReaderReadsIsRefusedByName(String name, String words) throws IOException {
        String message = refused(put(name, "some words\n"), Columns.DEFAULT);
        assertTrue(message.contains(words), message);
    }

    @Test
    void linesLongerThanABlockAndBrokenOnes() throws IOException {
        String longLine = "{\"text\":\"" + "é".repeat(Batch.SIZE) + "\"}\n";
        Path file =
                put("a.jsonl", longLine + "\n" + "{\"text\":\"b\"}\n".repeat(50_000) + longLine + "{\"text\":\"c\"}");
        List<String> texts = texts(file);
        assertEquals(50_003, texts.size());
        assertEquals(Batch.SIZE, texts.getFirst().length());
        assertEquals("c", texts.getLast());
        byte[] bytes = Files.readAllBytes(file);
        int at = bytes.length - 4;
        bytes[at] = (byte) 0xE9;
        Files.write(file, bytes);
        String message = refused(file, Columns.DEFAULT);
        assertTrue(message.contains("line 50004: byte " + at + " of the file is not UTF-8"), message);
        Path mark = put("b.jsonl", "\uFEFF{\"text\":\"b\"}\n");
        assertEquals(List.of("b"), texts(mark));
    }

    /** A few hundred bytes that become gigabytes fill neither memory nor time. */
    @Test
    void aBombIsRefusedEarly() throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (GZIPOutputStream out = new GZIPOutputStream(bytes)) {
            out.write("{\"text\":\"".getBytes(StandardCharsets.UTF_8));
            byte[] block = "a".repeat(1 << 20).getBytes(StandardCharsets.UTF_8);
            for (int i = 0; i < 100; i++) {
                out.write(block);
            }
        }
        Path gzip = Files.write(dir.resolve("a.jsonl.gz"), bytes.toByteArray());
        assertTrue(refused(gzip, Columns.DEFAULT).contains("line 1: is longer than 32 MiB"));
        byte[] zeros = new byte[1 << 26];
        Path zstd = Files.write(dir.resolve("b.txt.zst"), Zstd.compress(zeros));
        assertTrue(assertThrows(IOException.class, () -> texts(zstd)).getMessage().contains("NUL byte at byte 0"));
        Path array = Files.write(dir.resolve("c.json.zst"),
                Zstd.compress(("[{\"x\":\"" + "a".repeat(1 << 26)).getBytes(StandardCharsets.UTF_8)));
        assertTrue(assertThrows(IOException.class, () -> texts(array)).getMessage().contains("longer than 32 MiB"));
    }

    @Test
    void otherEncodingsAreNamed() {
        String text = "A plain text, with words.";
        assertTrue(guess(text.getBytes(StandardCharsets.UTF_16), 0).contains("looks like UTF-16."), "with a mark");
        assertTrue(guess(text.getBytes(StandardCharsets.UTF_16LE), 1).contains("iconv -f UTF-16LE"));
        assertTrue(guess(text.getBytes(StandardCharsets.UTF_16BE), 0).contains("iconv -f UTF-16BE"));
        assertTrue(guess("caf\u00e9 noir".getBytes(StandardCharsets.ISO_8859_1), 3).contains("the byte is 'é' there"));
        assertEquals("", guess(new byte[] {1, 2, (byte) 0xFF, 0}, 2));
        assertEquals("", guess(new byte[300], 0), "zeros are no text at all");
    }

    private static String guess(byte[] head, long offset) {
        return Encodings.guess(head, offset);
    }
}
