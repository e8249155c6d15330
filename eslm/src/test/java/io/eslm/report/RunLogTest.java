// SPDX-License-Identifier: Apache-2.0
package io.eslm.report;

import java.util.OptionalDouble;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.gson.JsonObject;
import io.eslm.gpt2.train.Evaluation;
import io.eslm.gpt2.train.Flops;
import io.eslm.gpt2.train.TrainEvent;
import io.eslm.tensor.UserError;
import io.eslm.tensor.io.Json;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class RunLogTest {
    @TempDir
    private Path dir;

    private static TrainEvent.Step step(long n) {
        return new TrainEvent.Step(n, n * 64, n * 80, 2.5, 2.75, 0.9, 0.1, Double.NaN, 1e-3, 0.5, 0.25, 256,
                Double.NaN, new Flops(10, 20, 0, 5));
    }

    private static TrainEvent.Evaluated evaluated(long n) {
        return new TrainEvent.Evaluated(n,
                new Evaluation.Result(Double.POSITIVE_INFINITY, Map.of("a", 1.0), new float[0], new double[0],
                        OptionalDouble.empty()));
    }

    private static JsonObject config() {
        return Json.parse("{\"program\":\"eslm\"}");
    }

    private List<Long> stepsInFile() {
        return RunLog.read(dir).stream().map(l -> l.get("step").getAsLong()).toList();
    }

    @Test
    void numbersThatJsonLacksAreNull() throws IOException {
        try (RunLog log = RunLog.open(dir, config(), 0)) {
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
        try (RunLog log = RunLog.open(dir, config(), 0)) {
            for (int n = 1; n <= 5; n++) {
                log.log(step(n));
            }
            log.log(evaluated(3));
        }
        Files.writeString(dir.resolve(RunLog.METRICS), "{\"step\":2,\"tok", StandardOpenOption.APPEND);
        try (RunLog log = RunLog.open(dir, config(), 3)) {
            assertEquals(List.of(1L, 2L, 3L, 3L), stepsInFile());
            assertEquals("the run had reached step 5; its newest checkpoint is of step 3, so 2 steps are trained again",
                    log.repairs().getLast());
            log.log(step(4));
        }
        assertEquals(List.of(1L, 2L, 3L, 3L, 4L), stepsInFile());
    }

    /** What a crash or a power cut leaves at the end: cut, said in one line, and no obstacle. */
    @ParameterizedTest
    @MethodSource("tornEnds")
    void aTornEndIsCutAndSaid(byte[] end) throws IOException {
        try (RunLog log = RunLog.open(dir, config(), 0)) {
            log.log(step(1));
            log.log(step(2));
        }
        Files.write(dir.resolve(RunLog.METRICS), end, StandardOpenOption.APPEND);
        assertEquals(List.of(1L, 2L), stepsInFile(), "a reader passes over it");
        try (RunLog log = RunLog.open(dir, config(), 2)) {
            assertEquals(List.of(dir.resolve(RunLog.METRICS) + " ends in " + end.length
                    + " bytes that are no whole line, as a crash leaves them; they are cut"), log.repairs());
            log.log(step(3));
        }
        assertEquals(List.of(1L, 2L, 3L), stepsInFile());
        assertEquals(3, Files.readAllLines(dir.resolve(RunLog.METRICS)).size());
    }

    static Stream<byte[]> tornEnds() {
        byte[] half = "{\"step\":3,\"worst_domain\":\"Übung".getBytes(StandardCharsets.UTF_8);
        return Stream.of(half, Arrays.copyOf(half, half.length - 5), new byte[4096],
                "{\"step\":3\n\0\0{".getBytes(StandardCharsets.UTF_8),
                "{\"loss\":3}\n".getBytes(StandardCharsets.UTF_8), new byte[] {(byte) 0xC3});
    }

    /** A whole line that lacks only its end is a line. */
    @Test
    void theLastLineNeedsNoEnd() throws IOException {
        Files.writeString(dir.resolve(RunLog.METRICS), "{\"step\":1,\"loss\":2.5}");
        try (RunLog log = RunLog.open(dir, config(), 1)) {
            assertEquals(List.of(), log.repairs());
            log.log(step(2));
        }
        assertEquals(List.of(1L, 2L), stepsInFile());
    }

    @Test
    void damageInTheMiddleIsSaidWithItsLine() throws IOException {
        Path file = dir.resolve(RunLog.METRICS);
        Files.write(file,
                "{\"step\":1}\n{\"step\":2,\"w\":\"\u00DC\"}\n{\"step\":3}\n".getBytes(StandardCharsets.ISO_8859_1));
        byte[] before = Files.readAllBytes(file);
        for (Executable reader : List.<Executable>of(() -> RunLog.read(dir),
                () -> RunLog.open(dir, config(), 3))) {
            var e = assertThrows(UserError.class, reader);
            assertEquals(
                    file + " line 2: is not text in UTF-8. Whole lines follow it, so no crash left it. Restore the "
                            + "file, or delete that line to go on without it",
                    e.getMessage());
        }
        assertArrayEquals(before, Files.readAllBytes(file));
    }

    /** After a power cut, a checkpoint may outlive the lines before it. */
    @Test
    void missingLinesAreSaid() {
        try (RunLog log = RunLog.open(dir, config(), 0)) {
            log.log(step(1));
        }
        try (RunLog log = RunLog.open(dir, config(), 4)) {
            assertEquals(
                    List.of(dir.resolve(RunLog.METRICS) + " ends at step 1, before the checkpoint of step 4: the lines "
                            + "of the steps between are lost, the training is not"),
                    log.repairs());
        }
    }

    @Test
    void aFullDiskIsSaid() throws IOException {
        Path full = Path.of("/dev/full");
        assumeTrue(Files.exists(full), "this system has no device that is always full");
        Files.createSymbolicLink(dir.resolve(RunLog.METRICS), full);
        RunLog log = RunLog.open(dir, config(), 0);
        var e = assertThrows(UserError.class, () -> log.log(step(1)));
        assertTrue(e.getMessage().startsWith("cannot write " + dir.resolve(RunLog.METRICS)), e.getMessage());
    }

    @Test
    void aFolderThatCannotBeMadeIsSaid() throws IOException {
        Path file = Files.createFile(dir.resolve("file"));
        var e = assertThrows(UserError.class, () -> RunLog.open(file.resolve("run"), config(), 0));
        assertTrue(e.getMessage().startsWith("cannot create the folder " + file.resolve("run")), e.getMessage());
    }
}
