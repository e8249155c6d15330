// SPDX-License-Identifier: Apache-2.0
package io.eslm.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.gson.JsonObject;
import io.eslm.gpt2.train.Evaluation;
import io.eslm.gpt2.train.Flops;
import io.eslm.gpt2.train.TrainEvent;
import io.eslm.tensor.UserError;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunLogTest {
    @TempDir
    private Path dir;

    private static TrainEvent.Step step(long n) {
        return new TrainEvent.Step(n, n * 64, n * 80, 2.5, 2.75, 0.9, 0.1, Double.NaN, 1e-3, 0.5, 0.25, 256,
                Double.NaN, new Flops(10, 20, 0, 5));
    }

    private static TrainEvent.Evaluated evaluated(long n) {
        return new TrainEvent.Evaluated(n,
                new Evaluation.Result(Double.POSITIVE_INFINITY, Map.of("a", 1.0), new float[0], new double[0]));
    }

    private List<Long> stepsInFile() {
        return RunLog.read(dir).stream().map(l -> l.get("step").getAsLong()).toList();
    }

    @Test
    void numbersThatJsonLacksAreNull() throws IOException {
        try (RunLog log = RunLog.open(dir, new JsonObject(), -1)) {
            log.log(step(1));
            log.log(evaluated(1));
            assertEquals(
                    """
                            {"step":1,"tokens":64,"drawn":80,"loss":2.5,"kept_loss":2.75,"kept_fraction":0.9,"alpha":0.1,"var":null,"lr":0.001,\
                            "grad_norm":0.5,"ms":250.0,"tokens_per_s":256.0,"mfu":null,\
                            "flops":{"forward":10,"backward":20,"selection":0,"early_exit":5}}
                            {"step":1,"val_loss":null,"val_perplexity":null,"val_cvar90":null,"domains":{"a":1.0},"worst_domain":"a"}
                            """,
                    Files.readString(dir.resolve(RunLog.METRICS)), "written through before the log is closed");
        }
    }

    @Test
    void resumeDropsWhatCameAfterTheCheckpoint() throws IOException {
        try (RunLog log = RunLog.open(dir, new JsonObject(), -1)) {
            for (int n = 1; n <= 5; n++) {
                log.log(step(n));
            }
            log.log(evaluated(3));
        }
        Files.writeString(dir.resolve(RunLog.METRICS), "{\"step\":2,\"tok", StandardOpenOption.APPEND);
        try (RunLog log = RunLog.open(dir, new JsonObject(), 3)) {
            assertEquals(List.of(1L, 2L, 3L, 3L), stepsInFile());
            log.log(step(4));
        }
        assertEquals(List.of(1L, 2L, 3L, 3L, 4L), stepsInFile());
    }

    @Test
    void aFullDiskIsSaid() throws IOException {
        Path full = Path.of("/dev/full");
        assumeTrue(Files.exists(full), "this system has no device that is always full");
        Files.createSymbolicLink(dir.resolve(RunLog.METRICS), full);
        RunLog log = RunLog.open(dir, new JsonObject(), -1);
        var e = assertThrows(UserError.class, () -> log.log(step(1)));
        assertTrue(e.getMessage().startsWith("cannot write " + dir.resolve(RunLog.METRICS)), e.getMessage());
    }

    @Test
    void aFolderThatCannotBeMadeIsSaid() throws IOException {
        Path file = Files.createFile(dir.resolve("file"));
        var e = assertThrows(UserError.class, () -> RunLog.open(file.resolve("run"), new JsonObject(), -1));
        assertTrue(e.getMessage().startsWith("cannot create the folder " + file.resolve("run")), e.getMessage());
    }
}
