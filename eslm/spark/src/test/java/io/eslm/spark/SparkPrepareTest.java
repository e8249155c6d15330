// SPDX-License-Identifier: Apache-2.0
package io.eslm.spark;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.cli.DeclaredOptions;
import io.eslm.tensor.Rng;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A corpus prepared on Spark: the bytes of one machine, whatever the parts, and also where an executor is killed. */
class SparkPrepareTest {
    private static final List<String> WORDS = List.of("alpha", "beta", "gamma", "straße", "日本語", "naïve", "x = 1;",
            "the quick brown fox", "\\n", "\\u00e9", "don't", "12345", "<|endoftext|>", "    ", "émigré");
    private static final String END = "<|endoftext|>";

    @TempDir
    private static Path shared;
    private static Path corpus;

    @BeforeAll
    static void write() throws IOException {
        corpus = Files.createDirectories(shared.resolve("corpus"));
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
    }

    private static String text(Rng rng) {
        StringBuilder text = new StringBuilder();
        for (int n = rng.nextInt(40); n > 0; n--) {
            text.append(WORDS.get(rng.nextInt(WORDS.size()))).append(n > 1 ? " " : "");
        }
        return text.toString();
    }

    private static List<String> words(Object in, Path out, String... more) {
        return Clusters.with(List.of("prepare", "--in=" + in, "--out=" + out), more);
    }

    private static String master(String name) {
        return DeclaredOptions.flag(Cluster.MASTER) + "=" + name;
    }

    /** All files and their bytes. */
    private static void assertSame(Path expected, Path found) throws IOException {
        assertEquals(names(expected), names(found));
        for (String name : names(expected)) {
            byte[] bytes = Files.readAllBytes(found.resolve(name));
            if (name.endsWith(".json")) {
                assertEquals(Files.readString(expected.resolve(name)), new String(bytes, StandardCharsets.UTF_8));
            }
            assertArrayEquals(Files.readAllBytes(expected.resolve(name)), bytes, name);
        }
    }

    private static List<String> names(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    /** Prepares on this machine and on Spark, in several ways. */
    private static void assertSameBytes(String name, Object in, List<String> more, String... clusters)
            throws IOException {
        Path one = shared.resolve(name);
        Clusters.run(Clusters.with(words(in, one), more.toArray(String[]::new))).ok();
        for (int i = 0; i < clusters.length; i++) {
            Path out = shared.resolve(name + "-" + i);
            List<String> spark = Clusters.with(words(in, out, clusters[i].split(" ")), more.toArray(String[]::new));
            Clusters.run(spark).ok();
            assertSame(one, out);
        }
    }

    @Test
    void recordsWithDuplicatesAndDomainsHaveTheSameBytesForAnyParts() throws IOException {
        assertSameBytes("records", corpus + "/*.jsonl*",
                List.of("--domain-field=lang", "--deduplicate", "--longest=300", "--shard-tokens=4000"),
                Clusters.master(2) + " --parts=5", master("local[2]") + " --parts=1", master("local[2]") + " --parts=2",
                master("local[3]") + " --parts=23");
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
        assertSameBytes("of-folder", folder, List.of(), master("local[2]") + " --parts=3");
        assertSameBytes("of-folder-once", folder, List.of("--deduplicate", "--held-out=0.3"), master("local[2]"));
        assertSameBytes("mixed", "web=" + corpus + "/0.jsonl:0.7,domain-field=lang",
                List.of("--in=notes=" + folder + ":0.3,held-out=0.02"), master("local[2]") + " --parts=4");
        Path table = Path.of("../../gpt2/src/test/resources/golden/data/snappy.parquet");
        assertSameBytes("table", table.toAbsolutePath().normalize(), List.of(), master("local[2]") + " --parts=4");
    }

    @Test
    void aLongTextIsReadInPartsAndItsDocumentsGoOnAcrossThem() throws IOException {
        Rng rng = Rng.of(11);
        StringBuilder text = new StringBuilder();
        while (text.length() < 3_500_000) {
            text.append(text(rng).replace(END, "end")).append(rng.nextInt(20_000) == 0 ? END : "\n");
        }
        Path file = Files.writeString(shared.resolve("long.txt"), text);
        assertSameBytes("long", file, List.of("--tokenizer=bytes", "--shard-tokens=1500000"),
                master("local[2]") + " --parts=3", master("local[2]") + " --parts=1");
    }

    @Test
    void anExecutorThatIsKilledChangesNothing() throws Exception {
        Path large = shared.resolve("large.jsonl");
        Rng rng = Rng.of(3);
        StringBuilder lines = new StringBuilder();
        for (int i = 0; i < 8_000; i++) {
            lines.append("{\"text\": \"").append(text(rng)).append(i % 5 == 0 ? "" : i).append("\"}\n");
        }
        Files.writeString(large, lines);
        Path one = shared.resolve("large");
        Clusters.run(words(large, one, "--deduplicate")).ok();
        Path out = shared.resolve("large-spark");
        Thread killer = Thread.ofPlatform().daemon().start(() -> {
            while (summaries(out) < 3) {
                Thread.onSpinWait();
            }
            Clusters.executors().getFirst().destroyForcibly();
        });
        Clusters.run(words(large, out, "--deduplicate", "--parts=12", Clusters.master(2))).ok();
        killer.join(TimeUnit.SECONDS.toMillis(1));
        assertFalse(killer.isAlive(), "no executor was killed");
        assertSame(one, out);
    }

    private static long summaries(Path out) {
        try (Stream<Path> files = Files.walk(out)) {
            return files.filter(file -> file.toString().endsWith(".summary")).count();
        } catch (IOException | java.io.UncheckedIOException _) {
            return 0;
        }
    }

    @Test
    void aDamagedLineIsOneSentenceWithItsPlace() throws IOException {
        Path damaged = shared.resolve("damaged.jsonl");
        List<String> lines = new ArrayList<>();
        for (int i = 1; i <= 500; i++) {
            lines.add(i == 321 ? "{\"text\": 5}" : "{\"text\": \"line " + i + "\"}");
        }
        Files.write(damaged, lines);
        var failed = Clusters.run(words(damaged, shared.resolve("none"), Clusters.master(2), "--parts=7"));
        assertEquals(1, failed.code(), failed.err());
        List<String> errors = failed.err().lines().filter(line -> line.startsWith("error: ")).toList();
        assertEquals(1, errors.size(), failed.err());
        assertTrue(
                errors.getFirst()
                        .startsWith("error: " + damaged + ", line 321: is no document: its \"text\" is not a string"),
                failed.err());
        assertFalse(failed.err().contains("Exception"), failed.err());
        assertFalse(Arrays.toString(names(shared).toArray()).contains("train.bin"));
    }
}
