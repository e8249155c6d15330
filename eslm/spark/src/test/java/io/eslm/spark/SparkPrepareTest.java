// SPDX-License-Identifier: Apache-2.0
package io.eslm.spark;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.tensor.Rng;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A corpus prepared on executors: the bytes of one machine, also where one is killed; and one sentence for a damaged line. */
class SparkPrepareTest {
    @TempDir
    private static Path shared;
    private static Path corpus;

    @BeforeAll
    static void write() throws IOException {
        corpus = LocalPrepareTest.writeCorpus(shared.resolve("corpus"));
    }

    @Test
    void recordsHaveTheSameBytes() throws IOException {
        List<String> more = List.of("--domain-field=lang", "--deduplicate", "--longest=300", "--shard-tokens=4000");
        LocalPrepareTest.assertSameBytes(shared.resolve("records"), corpus + "/*.jsonl*", more,
                Clusters.master() + " --parts=5");
    }

    @Test
    void anExecutorThatIsKilledChangesNothing() throws Exception {
        Path large = shared.resolve("large.jsonl");
        Rng rng = Rng.of(3);
        StringBuilder lines = new StringBuilder();
        for (int i = 0; i < 8_000; i++) {
            lines.append("{\"text\": \"").append(LocalPrepareTest.text(rng)).append(i % 5 == 0 ? "" : i)
                    .append("\"}\n");
        }
        Files.writeString(large, lines);
        Path one = shared.resolve("large");
        Clusters.run(LocalPrepareTest.words(large, one, "--deduplicate")).ok();
        Path out = shared.resolve("large-spark");
        Thread killer = Thread.ofPlatform().daemon().start(() -> {
            Clusters.await(() -> summaries(out) >= 3);
            Clusters.executors().getFirst().destroyForcibly();
        });
        Clusters.run(LocalPrepareTest.words(large, out, "--deduplicate", "--parts=12", Clusters.master())).ok();
        killer.join(TimeUnit.SECONDS.toMillis(1));
        assertFalse(killer.isAlive(), "no executor was killed");
        Clusters.awaitExecutors();
        LocalPrepareTest.assertSame(one, out);
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
        var failed =
                Clusters.run(LocalPrepareTest.words(damaged, shared.resolve("none"), Clusters.master(), "--parts=7"));
        assertEquals(1, failed.code(), failed.err());
        List<String> errors = failed.err().lines().filter(line -> line.startsWith("error: ")).toList();
        assertEquals(1, errors.size(), failed.err());
        assertTrue(
                errors.getFirst()
                        .startsWith("error: " + damaged + ", line 321: is no document: its \"text\" is not a string"),
                failed.err());
        assertFalse(failed.err().contains("Exception"), failed.err());
        assertFalse(Arrays.toString(LocalPrepareTest.names(shared).toArray()).contains("train.bin"));
    }
}
