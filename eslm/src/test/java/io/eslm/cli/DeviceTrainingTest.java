// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.gson.JsonObject;
import io.eslm.report.RunLog;
import io.eslm.tensor.backend.Backends;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Training on the device follows training on the CPU; skipped, and said so, where there is no device. */
class DeviceTrainingTest {
    /**
     * Of the loss. Both round each step's sums differently, by some 2⁻²⁴ of them, and AdamW makes of a small difference of a
     * small gradient one of the step's size. 2e-8 was measured after 100 steps on PoCL; another device may round more.
     */
    private static final double TOLERANCE = 1e-5;
    @TempDir
    private static Path shared;
    private static Path data;

    @BeforeAll
    static void needsADevice() throws IOException {
        String why = Backends.all().stream().filter(p -> p.name().equals("tornado")).findFirst().orElseThrow()
                .unusableBecause();
        if (why != null) {
            System.err.println("NOT TESTED: training on backend 'tornado': " + why);
        }
        assumeTrue(why == null, why);
        data = Program.tokens(shared.resolve("data"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"clm", "cvar-loss:alpha=0.3", "var-entropy:alpha=0.3"})
    void aHundredStepsFollowTheCpu(String method, @TempDir Path temp) {
        List<Double> cpu = train(temp.resolve("cpu"), "vector", method);
        List<Double> device = train(temp.resolve("device"), "tornado", method);
        assertTrue(cpu.getLast() < cpu.getFirst() - 0.3, "it learns");
        assertClose(cpu, device);
    }

    @Test
    void theDevicesAreListed() {
        String out = Program.run("backends").ok().out();
        assertTrue(
                out.lines().anyMatch(
                        l -> l.matches(
                                "tornado +TornadoVM on .* \\(\\w+, \\d+ MB\\); \\d+ MB taken(, in \\d+ arrays)?; products: .*")),
                out);
        assertTrue(out.lines().anyMatch(l -> l.matches(" +0:0 .*\\(\\w+, \\d+ MB\\)")), out);
    }

    private static List<Double> train(Path dir, String backend, String method) {
        Program.train(data, dir, "--backend", backend, "--method", method, "--max-iters", "100", "--eval-interval", "0",
                "--sample-interval", "0", "--dropout", "0.1").ok();
        return losses(dir);
    }

    @ParameterizedTest
    @CsvSource({"vector, tornado", "tornado, vector"})
    void aRunGoesOnOnTheOtherBackend(String first, String second, @TempDir Path temp) throws IOException {
        Path whole = temp.resolve("whole");
        Path moved = temp.resolve("moved");
        for (Path dir : List.of(whole, moved)) {
            Program.train(data, dir, "--backend", first, "--max-iters", "8", "--eval-interval", "0",
                    "--checkpoint-interval", "4", "--dropout", "0.1").ok();
        }
        TrainCommandTest.delete(moved.resolve("checkpoints/step-000008"));
        Program.Outcome resumed =
                Program.run("train", "--init-from", "resume", "--out-dir", moved.toString(), "--backend", second).ok();
        assertTrue(resumed.err().contains("step 4 of 8"), resumed.err());
        assertClose(losses(whole), losses(moved));
    }

    /** Some 5 MB of tensors in arrays of 3 MB, and in one array. */
    @Test
    void aRunInManyArraysHasTheBitsOfOneInASingleArray(@TempDir Path temp) throws IOException, InterruptedException {
        Path one = temp.resolve("one");
        Path many = temp.resolve("many");
        String in = inItsOwnJvm(one, Map.of("ESLM_TORNADO_MEMORY", "24m"));
        assertTrue(in.contains("array 1 of 0.0 GB: weights") && !in.contains("array 2 of"), in);
        in = inItsOwnJvm(many, Map.of("ESLM_TORNADO_MEMORY", "24m", "ESLM_TORNADO_ARRAY", "3m"));
        assertTrue(in.contains("array 2 of 0.0 GB: "), in);
        assertEquals(4, losses(one).size());
        assertEquals(losses(one), losses(many));
    }

    /** Trains with these variables, which are read once in a process; returns what it says. */
    private static String inItsOwnJvm(Path dir, Map<String, String> environment)
            throws IOException, InterruptedException {
        List<String> command =
                new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString()));
        command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), Main.class.getName(), "train", "--data",
                data.toString(), "--out-dir", dir.toString(), "--backend", "tornado", "--method", "cvar-loss:alpha=0.3",
                "--n-layer", "1", "--n-head", "2", "--n-embd", "64", "--block-size", "64", "--vocab-size", "64",
                "--batch-size", "8", "--max-iters", "4", "--eval-interval", "0", "--sample-interval", "0", "--dropout",
                "0.1"));
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().putAll(environment);
        Process process = builder.start();
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor(), out);
        return out;
    }

    private static List<Double> losses(Path dir) {
        return RunLog.read(dir).stream().filter(l -> l.has("loss")).map((JsonObject l) -> l.get("loss").getAsDouble())
                .toList();
    }

    private static void assertClose(List<Double> expected, List<Double> actual) {
        assertEquals(expected.size(), actual.size());
        for (int i = 0; i < expected.size(); i++) {
            assertEquals(expected.get(i), actual.get(i), TOLERANCE * expected.get(i), "step " + (i + 1));
        }
    }
}
