// SPDX-License-Identifier: Apache-2.0
package io.eslm.spark;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.train.OptimizerKind;
import io.eslm.gpt2.train.TrainOptions;
import io.eslm.report.RunLog;
import io.eslm.run.RankOptions;
import io.eslm.run.Run;
import io.eslm.tensor.io.FileTrees;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Ranks on executors: the files of one process, bit for bit, also where executors are killed; and one sentence for a mistake. With
 * Muon, which asks more of ranks than AdamW.
 */
class SparkTrainTest {
    private static final int STEPS = 16;
    private static final int SAVED = 4;
    private static final int SILENCE = 5;

    @TempDir
    private static Path shared;
    private static Path data;

    @BeforeAll
    static void makeData() throws IOException {
        data = Clusters.tokens(shared.resolve("data"));
        Clusters.run(Clusters.with(words(shared.resolve("one")), Clusters.word(TrainOptions.ORDERED_SUM, true))).ok();
    }

    private static List<String> words(Path folder) {
        return List.of("train", Clusters.word(Run.DATA, data), Clusters.word(Run.OUT_DIR, folder),
                Clusters.word(Gpt2Config.N_LAYER, 2), Clusters.word(Gpt2Config.N_HEAD, 2),
                Clusters.word(Gpt2Config.N_EMBD, 16), Clusters.word(Gpt2Config.BLOCK_SIZE, 16),
                Clusters.word(Gpt2Config.VOCAB_SIZE, 64), Clusters.word(Gpt2Config.DROPOUT, 0.1),
                Clusters.word(TrainOptions.BATCH_SIZE, 2), Clusters.word(TrainOptions.GRAD_ACCUM, 6),
                Clusters.word(TrainOptions.OPTIMIZER, OptimizerKind.MUON), Clusters.word(TrainOptions.MAX_ITERS, STEPS),
                Clusters.word(TrainOptions.EVAL_ITERS, 2), Clusters.word(TrainOptions.EVAL_INTERVAL, 8),
                Clusters.word(Run.BACKEND, "scalar"),
                Clusters.word(TrainOptions.CHECKPOINT_INTERVAL, SAVED));
    }

    private static void assertSameAsOneProcess(Path run) throws IOException {
        Path one = shared.resolve("one");
        assertEquals(Clusters.numbers(one), Clusters.numbers(run));
        for (String file : List.of("model.safetensors", "optimizer.safetensors", "trainer.json")) {
            Path last = Path.of("checkpoints", "step-0000" + STEPS, file);
            assertArrayEquals(Files.readAllBytes(one.resolve(last)), Files.readAllBytes(run.resolve(last)), file);
        }
    }

    /** The one that is stopped has the folder of the run, and its place on the cluster, until it is killed. */
    @Test
    void threeExecutorsOfWhichOneIsKilledAndOneIsStopped() throws Exception {
        Path run = shared.resolve("three");
        Thread killer = Clusters.killer(run.resolve(RunLog.METRICS), 7, 3);
        CompletableFuture<ProcessHandle> stopper = Clusters.stopper(run, 11);
        try {
            var ended = Clusters.run(
                    Clusters.with(words(run), Clusters.word(RankOptions.SILENCE, SILENCE), Clusters.master())).ok();
            ProcessHandle stopped = stopper.get(1, TimeUnit.SECONDS);
            assertFalse(stopped.isAlive(), "the training went on beside the process that had it");
            assertFalse(killer.isAlive(), "nothing was killed");
            assertTrue(ended.err().contains("a rank is lost: rank "), ended.err());
            assertTrue(ended.err().matches("(?s).*a rank is lost: rank 0 \\S+ has shown no life for " + SILENCE
                    + " s: [^\n]+ goes on from step-0000[01].*"), ended.err());
            assertTrue(ended.err().contains(" does not end its task: Spark is asked for another one"), ended.err());
            assertFalse(Clusters.removals().contains("heartbeat"), "Spark has replaced it, after minutes");
            assertTrue(ended.out().contains("step " + STEPS), ended.out());
        } finally {
            CompletableFuture<Void> unused = stopper.thenAccept(ProcessHandle::destroyForcibly);
        }
        assertSameAsOneProcess(run);
    }

    @Test
    void aSlowRankIsNamed() {
        var ended = Clusters.run(Clusters.with(words(shared.resolve("slow")), Clusters.word(Run.METHOD, SlowRank.NAME),
                Clusters.word(TrainOptions.MAX_ITERS, 7), Clusters.word(TrainOptions.GRAD_ACCUM, 2),
                Clusters.word(RankOptions.WORLD, 2), Clusters.master())).ok();
        assertTrue(ended.err().contains("rank 1 is slow, and all wait for it"), ended.err());
    }

    /** A driver that is lost leaves its last checkpoint, and perhaps lines of steps after it. */
    @Test
    void theSameCommandGoesOnWhereADriverWasLost() throws IOException {
        Path run = shared.resolve("two");
        copy(shared.resolve("one"), run);
        FileTrees.delete(run.resolve("checkpoints/step-0000" + STEPS));
        var ended =
                Clusters.run(Clusters.with(words(run), Clusters.word(RankOptions.WORLD, 2), Clusters.master())).ok();
        assertTrue(ended.err().contains("step " + (STEPS - SAVED) + " of " + STEPS), ended.err());
        assertSameAsOneProcess(run);
    }

    private static void copy(Path from, Path to) throws IOException {
        try (var files = Files.walk(from)) {
            for (Path file : files.toList()) {
                Files.copy(file, to.resolve(from.relativize(file)));
            }
        }
    }

    @Test
    void damagedDataIsOneSentence() throws IOException {
        Path run = shared.resolve("broken-run");
        Path broken = Files.createDirectories(shared.resolve("broken"));
        Files.write(broken.resolve("train.bin"), new byte[] {1, 2, 3});
        var failed = Clusters.run(Clusters.with(words(run), Clusters.word(Run.DATA, broken),
                Clusters.word(RankOptions.WORLD, 2), Clusters.master()));
        assertEquals(1, failed.code(), failed.err());
        assertEquals(1,
                failed.err().lines().filter(line -> line.startsWith("error: ") && line.contains("train.bin")).count(),
                failed.err());
        assertFalse(failed.err().contains("a rank is lost"), failed.err());
    }

    @Test
    void aMistakeNeedsNoCluster() {
        Path run = shared.resolve("none");
        assertError("--grad-accum 4: must be a multiple of world 3", Clusters.with(words(run),
                Clusters.word(TrainOptions.GRAD_ACCUM, 4), Clusters.master()));
        assertError("--world 5: Spark was asked for 3 executors", Clusters.with(words(run),
                Clusters.word(RankOptions.WORLD, 5), Clusters.master()));
        assertError("--method", Clusters.with(words(run), "--method=nothing", Clusters.master()));
        assertError("--rank: Spark places the ranks. Omit the option",
                Clusters.with(words(run), "--rank=1", Clusters.master()));
        assertError("--learning-rate 0.5: the run in ",
                Clusters.with(words(shared.resolve("one")), "--learning-rate=0.5",
                        Clusters.master()));
    }

    private static void assertError(String begin, List<String> words) {
        var failed = Clusters.start(words);
        assertEquals(1, failed.code(), failed.err());
        assertTrue(failed.err().startsWith("error: " + begin), failed.err());
        assertEquals(1, failed.err().lines().count(), failed.err());
    }
}
