// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.report.RunLog;
import io.eslm.select.Method;
import io.eslm.select.Methods;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Every method with small and large batches, and in the depth and heads of GPT-2's sizes. */
class MethodScaleTest {
    private static final int TIME = 16;
    @TempDir
    private static Path shared;
    private static Path data;
    private static Path other;
    @TempDir
    private Path temp;

    @BeforeAll
    static void make() throws IOException {
        data = Program.tokens(shared.resolve("data"));
        other = shared.resolve("other");
        Program.train(data, other, "--max-iters", "2", "--eval-interval", "0").ok();
    }

    private List<JsonObject> train(String method, String... more) {
        String[] common = {"--method", method, "--max-iters", "3", "--eval-interval", "0", "--sample-interval", "0"};
        Program.train(data, temp.resolve("run"),
                Stream.concat(Stream.of(common), Stream.of(more)).toArray(String[]::new)).ok();
        List<JsonObject> steps = RunLog.read(temp.resolve("run"));
        assertEquals(3, steps.size());
        return steps;
    }

    private static long earlyExit(JsonObject step) {
        return step.getAsJsonObject("flops").get("early_exit").getAsLong();
    }

    static Stream<String> methods() {
        return Methods.all().stream().map(Method::name).map(name -> switch (name) {
            case "rho-1" -> "rho-1:reference=" + other;
            case "kd" -> "kd:teacher=" + other;
            case "instance", "hierarchical" -> name + ":instance-alpha=0.5"; // of 4 windows, too, some are dropped
            default -> name;
        });
    }

    static Stream<Arguments> batches() {
        return methods().flatMap(method -> Stream.of(Arguments.of(method, 1, 1), Arguments.of(method, 7, 3),
                Arguments.of(method, 48, 1)));
    }

    /** The share kept is what was asked for whatever the batch, but for what a rank rounds: one window, or one token. */
    @ParameterizedTest
    @MethodSource("batches")
    void batches(String method, int batch, int accumulation) {
        JsonObject last = train(method, "--batch-size", String.valueOf(batch), "--grad-accum",
                String.valueOf(accumulation)).getLast();
        String name = method.replaceFirst(":.*", "");
        double kept = switch (name) {
            case "clm", "sampled-softmax" -> 1;
            case "rho-1", "risk-sampling", "shortlist-sampling" -> 0.7;
            case "instance" -> 0.5;
            case "hierarchical" -> 0.5 * 0.9;
            default -> 0.9;
        };
        boolean ofWindows = name.equals("instance") || name.equals("hierarchical");
        double drawn = last.get("drawn").getAsDouble() / (3 * accumulation);
        assertTrue(ofWindows && batch > 1 ? drawn > batch * TIME : drawn == batch * TIME, "drawn " + drawn);
        assertEquals(ofWindows && batch > 1, earlyExit(last) > 0, last.toString());
        double slack = (ofWindows ? TIME + 1 : 2) / drawn;
        // Feedback may have moved α, and equal risks are all kept.
        double most = name.startsWith("ada") ? 1 : kept + slack;
        assertTrue(last.get("kept_fraction").getAsDouble() <= most, last.toString());
        assertTrue(last.get("kept_fraction").getAsDouble() >= Math.min(kept, 0.9) - slack, last.toString());
        assertTrue(last.get("loss").getAsDouble() < 5 && last.get("loss").getAsDouble() > 3,
                "near log 64 = 4.16: " + last);
    }

    static Stream<Arguments> sizes() {
        return methods().flatMap(method -> Stream.of("gpt2", "gpt2-medium", "gpt2-large")
                .map(size -> Arguments.of(method, size)));
    }

    /** Depth and heads of the size, heads of 2 instead of 64. */
    @ParameterizedTest
    @MethodSource("sizes")
    void sizes(String method, String size) {
        Gpt2Config config = Gpt2Config.preset(size);
        List<JsonObject> steps = train(method, "--n-layer", String.valueOf(config.nLayer()), "--n-head",
                String.valueOf(config.nHead()), "--n-embd", String.valueOf(2 * config.nHead()));
        for (JsonObject step : steps) {
            assertEquals(method.contains("instance-alpha"), earlyExit(step) > 0, step.toString());
            assertTrue(step.get("loss").getAsDouble() < 5 && step.get("grad_norm").getAsDouble() > 0, step.toString());
        }
    }
}
