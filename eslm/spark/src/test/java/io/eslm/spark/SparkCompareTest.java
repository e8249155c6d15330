// SPDX-License-Identifier: Apache-2.0
package io.eslm.spark;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.compare.Comparer;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.train.TrainOptions;
import io.eslm.report.RunLog;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Runs of a comparison as tasks: the numbers of one machine, also where an executor is killed. */
class SparkCompareTest {
    @TempDir
    private static Path temp;

    private static List<String> words(Path data, Path folder) {
        return List.of("compare", "--methods=random:alpha=0.5", Clusters.word(Comparer.SEEDS, 2),
                Clusters.word(Comparer.DATA, data), Clusters.word(Comparer.OUT_DIR, folder),
                Clusters.word(Gpt2Config.N_LAYER, 2), Clusters.word(Gpt2Config.N_HEAD, 2),
                Clusters.word(Gpt2Config.N_EMBD, 16), Clusters.word(Gpt2Config.BLOCK_SIZE, 16),
                Clusters.word(Gpt2Config.VOCAB_SIZE, 64), Clusters.word(TrainOptions.BATCH_SIZE, 2),
                Clusters.word(TrainOptions.MAX_ITERS, 40), Clusters.word(TrainOptions.EVAL_ITERS, 2),
                Clusters.word(TrainOptions.EVAL_INTERVAL, 10), Clusters.word(TrainOptions.CHECKPOINT_INTERVAL, 10),
                Clusters.word(Comparer.BACKEND, "scalar"));
    }

    @Test
    void theRunsAreThoseOfOneMachine() throws Exception {
        Path data = Clusters.tokens(temp.resolve("data"));
        Path one = temp.resolve("one");
        Clusters.run(words(data, one)).ok();
        Path many = temp.resolve("many");
        Thread killer = Clusters.killer(many.resolve("seed-1337/clm").resolve(RunLog.METRICS), 3, 15);
        var ended = Clusters.run(Clusters.with(words(data, many), Clusters.master())).ok();
        killer.join(TimeUnit.SECONDS.toMillis(1));
        assertFalse(killer.isAlive(), "nothing was killed");
        assertEquals(4, ended.err().lines().filter(line -> line.matches("seed 133[78] .*: loss .*")).count(),
                ended.err());
        for (String run : List.of("seed-1337/clm", "seed-1337/random-0.5", "seed-1338/clm", "seed-1338/random-0.5")) {
            assertEquals(Clusters.numbers(one.resolve(run)), Clusters.numbers(many.resolve(run)), run);
        }
        assertTrue(ended.out().contains("random:alpha=0.5"), ended.out());
    }
}
