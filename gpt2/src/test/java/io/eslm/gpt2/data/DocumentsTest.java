// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpServer;
import io.eslm.tensor.UserError;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Records, several sources, and what is chosen of them. */
class DocumentsTest {
    private static final String END = "<|endoftext|>";

    @TempDir
    private Path dir;
    private Path out;
    private DataSource source;
    private final List<String> notes = new ArrayList<>();

    @BeforeEach
    void folders() {
        out = dir.resolve("out");
        source = new DataSource(new DataCache(dir.resolve("cache"), new CacheLimit(1 << 30)), dir);
    }

    private Path put(String name, String text) throws IOException {
        Files.createDirectories(dir.resolve(name).getParent());
        return Files.writeString(dir.resolve(name), text);
    }

    private TokenData prepare(String data, double heldOut) {
        return prepare(data, out, heldOut);
    }

    private TokenData prepare(String data, Path to, double heldOut) {
        notes.clear();
        return source.prepareAt(data, new DataSource.Target(to, OptionalDouble.of(heldOut), false), Tokens.GPT2,
                (_, total, what) -> {
                    if (total == 0) {
                        notes.add(what);
                    }
                });
    }

    private static List<String> documents(TokenSet set) {
        return List.of(Tokens.TOKENIZER.decode(Tokens.ids(set.tokens())).split("<\\|endoftext\\|>"));
    }

    private static String golden(String name) {
        try {
            return Path.of(DocumentsTest.class.getResource("/golden/data/" + name).toURI()).toString();
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    private static String lines(int n, String text) {
        return IntStream.range(0, n)
                .mapToObj(i -> "{\"text\":\"" + text + " " + i + "\",\"kind\":\"k" + i % 3 + "\"}\n")
                .collect(Collectors.joining());
    }

    @Test
    void aPatternOfParquetFilesIsSaidInOneLine() throws IOException {
        for (String name : List.of("a", "b")) {
            Files.createDirectories(dir.resolve("web"));
            Files.copy(Path.of(golden("zstd.parquet")), dir.resolve("web/" + name + ".parquet"));
        }
        Files.writeString(dir.resolve("web/c.txt"), "no record");
        TokenData data = prepare(dir + "/web/*.parquet", 0);
        assertEquals(List.of(dir + "/web/*.parquet: 2 Parquet files, 14 documents, column text.",
                "left out documents: 4 empty."), notes);
        assertEquals(10, documents(data.train()).size());
        assertTrue(assertThrows(UserError.class, () -> prepare(dir + "/web/*.csv", 0)).getMessage()
                .contains("no file has a name like that"));
    }

    @Test
    void aFieldNamesTheDomain() {
        TokenData data = prepare(golden("snappy.parquet") + ":domain-field=lang", 0);
        assertEquals(List.of("en", "fr", "xx"), data.train().domains().stream().map(Domain::name).toList());
        assertEquals("naïve 日本 😀" + END, Tokens.text(data.train(), "fr"));
        assertEquals("nul \0 inside" + END, Tokens.text(data.train(), "xx"));
    }

    @Test
    void tooManyDomainsAreRefused() throws IOException {
        String many = IntStream.range(0, 65).mapToObj(i -> "{\"text\":\"t\",\"url\":\"u" + i + "\"}\n")
                .collect(Collectors.joining());
        String file = put("many.jsonl", many).toString();
        assertTrue(assertThrows(UserError.class, () -> prepare(file + ":domain-field=url", 0)).getMessage()
                .contains("the field url has more than 64 values"));
        try (var left = Files.list(out)) {
            assertEquals(0, left.count(), "nothing stays behind");
        }
    }

    @Test
    void severalSourcesAreDomainsWithWeights() throws IOException {
        put("web/1.jsonl", lines(300, "words of the web"));
        put("code/a.txt", "int a = 1;\n".repeat(200));
        TokenData data = prepare("web=" + dir + "/web/*.jsonl:0.75\ncode=" + dir + "/code:0.25", 0.1);
        assertEquals(List.of("code", "web"), data.train().domains().stream().map(Domain::name).toList());
        assertEquals(List.of(0.25, 0.75), data.train().weights());
        BatchSampler sampler = BatchSampler.of(data.train(), 1, 8, 1);
        Range code = data.train().domains().getFirst().ranges().getFirst();
        Set<Integer> codeTokens = IntStream.of(ids(data.train().tokens(), code)).boxed().collect(Collectors.toSet());
        int[] inputs = new int[8];
        int[] targets = new int[8];
        int ofCode = 0;
        for (int i = 0; i < 1000; i++) {
            sampler.next(inputs, targets);
            ofCode += IntStream.of(inputs).allMatch(codeTokens::contains) ? 1 : 0;
        }
        assertEquals(250, ofCode, "exactly, whatever the sizes");
        sampler.seek(999);
        int[] again = new int[8];
        sampler.next(again, targets);
        assertArrayEquals(inputs, again, "a position is all of the state");
    }

    private static int[] ids(TokenFile file, Range range) {
        int[] ids = new int[(int) range.size()];
        file.copy(range.begin(), ids, 0, ids.length);
        return ids;
    }

    @Test
    void aWeightGoesToTheDomainsOfItsSource() throws IOException {
        String file = put("a.jsonl", lines(60, "one two")).toString();
        TokenData data =
                prepare("a=" + file + ":domain-field=kind,0.5\nb=" + put("b.txt", "some text ".repeat(99)) + ":1.5",
                        0);
        assertEquals(List.of("a/k0", "a/k1", "a/k2", "b"), data.train().domains().stream().map(Domain::name).toList());
        assertEquals(0.5, data.train().weights().subList(0, 3).stream().mapToDouble(w -> w).sum(), 1e-12);
        assertEquals(1.5, data.train().weights().getLast());
    }

    @Test
    void equalDocumentsAreLeftOutOnRequest() throws IOException {
        String twice = put("a.jsonl", lines(50, "same") + lines(50, "same") + lines(50, "other")).toString();
        assertEquals(150, documents(prepare(twice, 0).train()).size());
        assertEquals(100, documents(prepare(twice + ":deduplicate=true", 0).train()).size());
        assertTrue(notes.contains("left out documents: 50 that were there before."), notes::toString);
        String text = put("b.txt", "one" + END + "two" + END + "one" + END + "three" + END + "two").toString();
        assertEquals(List.of("one", "two", "three"), documents(prepare(text + ":deduplicate=true", 0).train()));
    }

    @Test
    void documentsAreChosenByTheirLength() throws IOException {
        String file = put("a.txt", "12" + END + "12345" + END + "123456789" + END + "123").toString();
        assertEquals(List.of("12345", "123"), documents(prepare(file + ":shortest=3,longest=5", 0).train()));
        assertTrue(notes.contains("left out documents: 2 too short or too long."), notes::toString);
    }

    @Test
    void documentsOfOneFileAreHeldOutWhole() throws IOException {
        String stories = IntStream.range(0, 300).mapToObj(i -> "Story number " + i + " has an end.")
                .collect(Collectors.joining(END + "\n", "", END));
        TokenData data = prepare(put("stories.txt", stories).toString(), 0.1);
        List<String> train = documents(data.train());
        List<String> val = documents(data.val().orElseThrow());
        assertEquals(stories.replace(END, "").replace("\n", ""),
                Stream.concat(train.stream(), val.stream()).map(String::strip)
                        .sorted(Comparator.comparingInt(s -> Integer.parseInt(s.replaceAll("\\D", ""))))
                        .collect(Collectors.joining()));
        assertEquals(30, val.size(), 16, "binomial, deviation 5.2");
    }

    /** So that what is measured was not trained on. */
    @Test
    void equalRecordsAreOnTheSameSide() throws IOException {
        TokenData data = prepare(put("a.jsonl", lines(200, "text") + lines(200, "text")).toString(), 0.2);
        Set<String> train = new HashSet<>(documents(data.train()));
        Set<String> val = new HashSet<>(documents(data.val().orElseThrow()));
        assertEquals(200, train.size() + val.size());
        assertTrue(val.size() > 20 && train.stream().noneMatch(val::contains));
    }

    /** A kill leaves the journal and what was written after it; the next start gives the same bytes as one that was not killed. */
    @Test
    void aPreparationThatWasKilledGoesOn() throws IOException {
        put("a/1.jsonl", IntStream.range(0, 18_000).map(i -> i % 2 == 0 ? i / 2 : i)
                .mapToObj(i -> "{\"text\":\"some words of a document that is not short, and " + i + "\",\"kind\":\"k"
                        + i % 3
                        + "\"}\n")
                .collect(Collectors.joining()));
        put("a/2.txt", ("A text with an end." + END).repeat(40_000));
        put("b/3.jsonl", lines(9_000, "other words of a document that is not short, and"));
        String data = "a=" + dir + "/a:deduplicate=true,domain-field=kind\nb=" + dir + "/b";
        Path whole = dir.resolve("whole");
        prepare(data, whole, 0.1);
        DataSpec spec = DataSpec.parse(data);
        for (int stop : new int[] {1, 3, 5, 8}) {
            TextCorpus corpus = TextCorpus.open(spec, false, _ -> ContentIndex.none(), Progress.SILENT);
            Path killed = dir.resolve("killed" + stop);
            TextEncoder encoder = Tokens.GPT2;
            var writer = new CorpusWriter(killed, corpus.journalIdentity(Division.toTrain(0.1), encoder),
                    Division.toTrain(0.1), encoder).committingEvery(50_000);
            int[] batches = new int[1];
            assertThrows(IllegalStateException.class, () -> corpus.write(writer, encoder, (_, _, _) -> {
                if (++batches[0] > stop) {
                    throw new IllegalStateException("killed");
                }
            }));
            writer.abandon();
            prepare(data, killed, 0.1);
            for (String file : List.of("train.bin", "val.bin", "meta.json")) {
                assertEquals(-1, Files.mismatch(whole.resolve(file), killed.resolve(file)), stop + " " + file);
            }
            assertFalse(Files.exists(killed.resolve(Journal.FOLDER)));
        }
    }

    @Test
    void onlyOneProgramPreparesAFolder() throws IOException {
        Files.createDirectories(out);
        String file = put("a.txt", "some text").toString();
        try (Journal _ = Journal.open(out, "x")) {
            assertTrue(assertThrows(UserError.class, () -> prepare(file, 0)).getMessage()
                    .contains("another program is preparing"));
        }
        assertEquals(List.of("some text"), documents(prepare(file, 0).train()));
    }

    @Test
    void textOfAnotherEncodingSaysHowToConvertIt() throws IOException {
        Path latin = Files.write(dir.resolve("l.txt"), "caf\u00e9 noir".getBytes(StandardCharsets.ISO_8859_1));
        String message = assertThrows(UserError.class, () -> prepare(latin.toString(), 0)).getMessage();
        assertTrue(message.contains("byte 3 is not UTF-8") && message.contains("iconv -f WINDOWS-1252 -t UTF-8"),
                message);
        Path wide = Files.write(dir.resolve("w.txt"), "wide".getBytes(StandardCharsets.UTF_16));
        message = assertThrows(UserError.class, () -> prepare(wide.toString(), 0)).getMessage();
        assertTrue(message.contains("looks like UTF-16"), message);
    }

    @Test
    void aFolderTakesRecordsAndCompressedTextToo() throws IOException {
        put("in/a.txt", "plain");
        Files.copy(Path.of(golden("lines.jsonl.gz")), dir.resolve("in/b.jsonl.gz"));
        Files.copy(Path.of(golden("gzip.parquet")), dir.resolve("in/c.parquet"));
        put("in/d.csv", "text,n\nrow,1\n");
        put("in/e.gz", "not compressed at all, whatever its name");
        TokenData data = prepare(dir.resolve("in").toString(), 0);
        List<String> documents = documents(data.train());
        assertEquals(1 + 5 + 5 + 1 + 1, documents.size(), documents::toString);
        assertTrue(documents.contains("text,n\nrow,1\n"),
                "a table in a folder is text, unless the user says otherwise");
        documents = documents(prepare(dir.resolve("in") + ":text-field=text", 0).train());
        assertTrue(documents.contains("row"), documents::toString);
        assertTrue(notes.getFirst().startsWith(dir.resolve("in") + ": "), notes::toString);
    }

    @Test
    void whatCannotBeMixedIsRefused() throws IOException {
        String text = put("a.txt", "some text").toString();
        assertTrue(assertThrows(UserError.class, () -> prepare("a=" + text + "\nb=jdk", 0)).getMessage()
                .contains("cannot be one of several sources"));
        Path tokens = Tokens.write(dir.resolve("t.bin"), 1, 2, 3);
        assertTrue(assertThrows(UserError.class, () -> prepare("a=" + text + "\nb=" + tokens, 0)).getMessage()
                .contains("cannot be one of several sources"));
    }

    @Test
    void trainingUsesTheSameNamesAsPreparing() throws IOException {
        String file = put("a.jsonl", lines(100, "text")).toString();
        TokenData data =
                source.train("x=" + file + ":held-out=0.3,domain-field=kind", Optional.empty(), Progress.SILENT);
        assertEquals(List.of("x/k0", "x/k1", "x/k2"), data.train().domains().stream().map(Domain::name).toList());
        long val = data.val().orElseThrow().tokens().size();
        assertEquals(0.3, val / (double) (val + data.train().tokens().size()), 0.15,
                String.format(Locale.ROOT, "%d held out", val));
        assertEquals(100,
                documents(source.eval("x=" + file + ":held-out=0.3", Optional.empty(), Progress.SILENT)).size(),
                "all of it is measured");
        assertFalse(Arrays.asList(dir.resolve("cache").toFile().list()).isEmpty());
    }

    @Test
    void anAddressIsCopiedOnce() throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        int[] requests = new int[1];
        server.createContext("/d/five.jsonl", exchange -> {
            requests[0]++;
            byte[] bytes = lines(5, "text").getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(200, bytes.length);
            exchange.getResponseBody().write(bytes);
            exchange.close();
        });
        server.start();
        try {
            String address = "http://localhost:" + server.getAddress().getPort() + "/d/five.jsonl";
            assertEquals(5, documents(prepare(address, 0).train()).size());
            assertEquals(5, documents(prepare("a=" + address + ":domain-field=kind", 0).train()).size());
            assertTrue(notes.getFirst().contains("uses the copy "), notes::toString);
            assertEquals(1, requests[0]);
            assertEquals(Optional.empty(), DataSource.missing(address));
            assertEquals(address, source.kept(address, Progress.SILENT), "a run keeps the address");
        } finally {
            server.stop(0);
        }
    }

    @Test
    void aDamagedTokenFileIsNoticed() throws IOException {
        prepare(put("a.txt", "some text ".repeat(500)).toString(), 0.1);
        assertEquals(2, TokenData.open(out).content().size());
        byte[] bytes = Files.readAllBytes(out.resolve("train.bin"));
        bytes[100] ^= 1;
        Files.write(out.resolve("train.bin"), bytes);
        TokenData damaged = TokenData.open(out);
        String message = assertThrows(UserError.class, damaged::content).getMessage();
        assertTrue(message.contains("train.bin is damaged"), message);
    }

    @Test
    void aWeightThatCannotBeHonouredIsRefused() throws IOException {
        String small = put("a.txt", "few words").toString();
        String large = put("b.txt", "many words ".repeat(500)).toString();
        TokenData few = prepare("a=" + small + ":0.5\nb=" + large + ":0.5", 0);
        assertTrue(assertThrows(UserError.class, () -> BatchSampler.of(few.train(), 1, 8, 1)).getMessage()
                .contains("the domain a has only 3 tokens"));
        TokenData rare = prepare("a=" + large + ":0.00001\nb=" + large + ":1", 0);
        assertTrue(assertThrows(UserError.class, () -> BatchSampler.of(rare.train(), 1, 8, 1)).getMessage()
                .contains("would never be read"));
    }
}
