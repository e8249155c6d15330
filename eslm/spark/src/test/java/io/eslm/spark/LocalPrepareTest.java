// SPDX-License-Identifier: Apache-2.0
package io.eslm.spark;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.eslm.tensor.Rng;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A corpus prepared by Spark in this process: the bytes of one machine, whatever the parts. */
class LocalPrepareTest {
    private static final List<String> WORDS = List.of("alpha", "beta", "gamma", "straße", "日本語", "naïve", "x = 1;",
            "the quick brown fox", "\\n", "\\u00e9", "don't", "12345", "<|endoftext|>", "    ", "émigré");
    private static final String END = "<|endoftext|>";

    @TempDir
    private static Path shared;
    private static Path corpus;

    @BeforeAll
    static void write() throws IOException {
        corpus = writeCorpus(shared.resolve("corpus"));
    }

    /** Records with duplicates, in files that differ in how lines end. */
    static Path writeCorpus(Path corpus) throws IOException {
        Files.createDirectories(corpus);
        Rng rng = Rng.of(5);
        List<String> seen = new ArrayList<>();
        for (int file = 0; file < 4; file++) {
            StringBuilder lines = new StringBuilder(file == 1 ? "\uFEFF" : "");
            for (int i = 0; i < 300; i++) {
                String text = !seen.isEmpty() && rng.nextInt(4) == 0 ? seen.get(rng.nextInt(seen.size())) : text(rng);
                seen.add(text);
                lines.append(String.format(Locale.ROOT, "{\"lang\": \"%s\", \"n\": %d, \"text\": \"%s\"}",
                        List.of("en", "de", "code").get(rng.nextInt(3)), i, text));
                lines.append(rng.nextInt(9) == 0 ? "\r\n\n" : "\n");
            }
            lines.setLength(lines.length() - (file == 2 ? 1 : 0)); // the last line may have no end
            Path to = corpus.resolve(file + (file == 3 ? ".jsonl.gz" : ".jsonl"));
            try (OutputStream out = file == 3 ? new GZIPOutputStream(Files.newOutputStream(to))
                    : Files.newOutputStream(to)) {
                out.write(lines.toString().getBytes(StandardCharsets.UTF_8));
            }
        }
        return corpus;
    }

    static String text(Rng rng) {
        StringBuilder text = new StringBuilder();
        for (int n = rng.nextInt(40); n > 0; n--) {
            text.append(WORDS.get(rng.nextInt(WORDS.size()))).append(n > 1 ? " " : "");
        }
        return text.toString();
    }

    static List<String> words(Object in, Path out, String... more) {
        return Clusters.with(List.of("prepare", "--in=" + in, "--out=" + out), more);
    }

    /** All files and their bytes. */
    static void assertSame(Path expected, Path found) throws IOException {
        assertEquals(names(expected), names(found));
        for (String name : names(expected)) {
            byte[] bytes = Files.readAllBytes(found.resolve(name));
            if (name.endsWith(".json")) {
                assertEquals(Files.readString(expected.resolve(name)), new String(bytes, StandardCharsets.UTF_8));
            }
            assertArrayEquals(Files.readAllBytes(expected.resolve(name)), bytes, name);
        }
    }

    static List<String> names(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    /** Prepares on this machine and on Spark, in several ways. */
    static void assertSameBytes(Path one, Object in, List<String> more, String... clusters) throws IOException {
        Clusters.run(Clusters.with(words(in, one), more.toArray(String[]::new))).ok();
        for (int i = 0; i < clusters.length; i++) {
            Path out = one.resolveSibling(one.getFileName() + "-" + i);
            List<String> spark = Clusters.with(words(in, out, clusters[i].split(" ")), more.toArray(String[]::new));
            Clusters.run(spark).ok();
            assertSame(one, out);
        }
    }

    @Test
    void recordsWithDuplicatesAndDomainsHaveTheSameBytesForAnyParts() throws IOException {
        assertSameBytes(shared.resolve("records"), corpus + "/*.jsonl*",
                List.of("--domain-field=lang", "--deduplicate", "--longest=300", "--shard-tokens=4000"),
                Clusters.local(2) + " --parts=1", Clusters.local(2) + " --parts=2",
                Clusters.local(3) + " --parts=23");
    }

    @Test
    void aFolderOfTextsHasTheSameBytes() throws IOException {
        Path folder = shared.resolve("texts");
        Rng rng = Rng.of(9);
        for (String name : List.of("a/1.txt", "a/2.md", "b/1.txt", "b/deep/2.txt", "a-b/3.txt", "top.txt",
                "none.txt")) {
            Files.createDirectories(folder.resolve(name).getParent());
            Files.writeString(folder.resolve(name),
                    name.equals("none.txt") ? "" : text(rng) + " " + END + text(rng) + "\n" + END + END + text(rng));
        }
        Files.write(folder.resolve("b/binary.dat"), new byte[] {1, 0, 2});
        Files.copy(corpus.resolve("0.jsonl"), folder.resolve("a/r.jsonl"));
        assertSameBytes(shared.resolve("of-folder"), folder, List.of(), Clusters.local(2) + " --parts=3");
        assertSameBytes(shared.resolve("of-folder-once"), folder, List.of("--deduplicate", "--held-out=0.3"),
                Clusters.local(2));
        assertSameBytes(shared.resolve("mixed"), "web=" + corpus + "/0.jsonl:0.7,domain-field=lang",
                List.of("--in=notes=" + folder + ":0.3,held-out=0.02"), Clusters.local(2) + " --parts=4");
        Path table = Path.of("../../gpt2/src/test/resources/golden/data/snappy.parquet");
        assertSameBytes(shared.resolve("table"), table.toAbsolutePath().normalize(), List.of(),
                Clusters.local(2) + " --parts=4");
    }

    @Test
    void aLongTextIsReadInPartsAndItsDocumentsGoOnAcrossThem() throws IOException {
        Rng rng = Rng.of(11);
        StringBuilder text = new StringBuilder();
        while (text.length() < 3_500_000) {
            text.append(text(rng).replace(END, "end")).append(rng.nextInt(20_000) == 0 ? END : "\n");
        }
        Path file = Files.writeString(shared.resolve("long.txt"), text);
        assertSameBytes(shared.resolve("long"), file, List.of("--tokenizer=bytes", "--shard-tokens=1500000"),
                Clusters.local(2) + " --parts=3", Clusters.local(2) + " --parts=1");
    }

}
