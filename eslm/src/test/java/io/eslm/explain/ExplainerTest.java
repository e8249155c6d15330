// SPDX-License-Identifier: Apache-2.0
package io.eslm.explain;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.eslm.autograd.Parameter;
import io.eslm.cli.Program;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.PretrainedNames;
import io.eslm.gpt2.Weights;
import io.eslm.gpt2.data.TokenData;
import io.eslm.gpt2.train.TrainEvent;
import io.eslm.gpt2.train.TrainOptions;
import io.eslm.gpt2.train.Trainer;
import io.eslm.gpt2.checkpoint.ModelFolder;
import io.eslm.report.RunLog;
import io.eslm.select.Method;
import io.eslm.select.MethodSpec;
import io.eslm.select.Methods;
import io.eslm.tensor.Rng;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import io.eslm.tensor.backend.FlopCounter.Phase;
import io.eslm.tensor.io.Json;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What is told of a step, for every method: it is the step that a run takes, nothing is left out, and the sums agree. */
class ExplainerTest {
    private static final Gpt2Config SHAPE = Gpt2Config.of(2, 2, 16, 16).with(Gpt2Config.VOCAB_SIZE, 64);
    /** Single precision rounds each term and each sum of some hundred terms. */
    private static final double ROUNDING = 1e-5;

    @TempDir
    private static Path shared;
    private static Path data;
    private static Path other;
    private static Backend backend;

    @BeforeAll
    static void make() throws IOException {
        data = Program.tokens(shared.resolve("data"));
        other = shared.resolve("other");
        Program.train(data, other, "--max-iters", "4", "--eval-interval", "0", "--method", "cvar-loss:alpha=0.3",
                "--checkpoint-interval", "2").ok();
        backend = Backends.open("auto", 1);
    }

    @AfterAll
    static void close() {
        backend.close();
    }

    static Stream<String> methods() {
        return Methods.all().stream().map(Method::name).map(name -> switch (name) {
            case "rho-1" -> "rho-1:reference=" + other;
            case "kd" -> "kd:teacher=" + other;
            case "instance", "hierarchical" -> name + ":instance-alpha=0.5";
            case "random" -> "random:alpha=0.5";
            default -> name;
        });
    }

    private static Gpt2 model(double dropout) {
        Gpt2Config config = SHAPE.with(Gpt2Config.DROPOUT, dropout);
        return new Gpt2(config, backend, Weights.random(config, backend, Rng.of(5)));
    }

    private static TrainOptions options(int accumulation) {
        return TrainOptions.defaults().with(TrainOptions.BATCH_SIZE, 4).with(TrainOptions.GRAD_ACCUM, accumulation)
                .with(TrainOptions.SEED, 11L).with(TrainOptions.EVAL_INTERVAL, 0);
    }

    private static Explanation explain(Gpt2 model, String method, int accumulation, String row) {
        Subject subject = Subject.of(model, "a model", MethodSpec.parse(method), options(accumulation),
                new Subject.Data("data", TokenData.open(data)), SHAPE.blockSize());
        return Explainer.explain(subject, Optional.ofNullable(row), Optional.of(1));
    }

    /** Its threshold is that of all micro-batches of the step, and each is explained by itself. */
    @Test
    void oneThresholdForSeveralMicroBatchesIsRefused() {
        String method = "cvar-loss:alpha=0.3,global-value-at-risk=true";
        assertEquals(
                "method " + method + " takes one threshold for the 2 micro-batches of a step, and a step is explained "
                        + "micro-batch by micro-batch. Name the method without global-value-at-risk",
                assertThrows(UserError.class, () -> explain(model(0), method, 2, null)).getMessage());
        assertEquals(explain(model(0), "cvar-loss:alpha=0.3", 1, null).outcome().keptLoss(),
                explain(model(0), method, 1, null).outcome().keptLoss());
    }

    private static OpRecord only(Explanation told, String part, String op) {
        List<OpRecord> found = told.ops().stream()
                .filter(o -> o.phase() == Phase.FORWARD && o.part().equals(part) && o.name().equals(op)).toList();
        assertEquals(1, found.size(), part + " " + op);
        return found.getFirst();
    }

    @ParameterizedTest
    @MethodSource("methods")
    void itIsTheStepThatARunTakes(String method) {
        Gpt2 model = model(0.1);
        Map<String, double[]> before = new LinkedHashMap<>();
        model.parameters().forEach((path, p) -> before.put(path, p.value().toDoubles()));
        Explanation told = explain(model, method, 2, null);
        for (Map.Entry<String, Parameter> p : model.parameters().entrySet()) {
            assertTrue(Arrays.equals(before.get(p.getKey()), p.getValue().value().toDoubles()), p.getKey());
        }
        MethodSpec spec = MethodSpec.parse(method);
        try (Trainer trainer = new Trainer(model, spec.objective(dir -> ModelFolder.load(dir, backend)),
                TokenData.open(data), options(2), _ -> {
                })) {
            TrainEvent.Step step = trainer.oneStep();
            assertEquals(step.loss(), told.outcome().loss());
            assertEquals(step.keptLoss(), told.outcome().keptLoss());
            assertEquals(step.gradNorm(), told.outcome().gradNorm());
            assertEquals(step.valueAtRisk(), told.outcome().valueAtRisk());
            assertEquals(step.learningRate(), told.step().learningRate());
            assertEquals(step.flops(), told.outcome().flops());
            assertEquals(step.keptFraction(), (double) told.kept() / told.tokens().size());
        }
    }

    @ParameterizedTest
    @MethodSource("methods")
    void nothingIsLeftOut(String method) {
        Explanation told = explain(model(0), method, 2, null);
        assertEquals(told.outcome().flops().total(), told.cost().flops());
        assertEquals(0, told.flopsBetweenOps(), "all multiply-adds are in ops");
        assertTrue(told.forwardBetweenOps() >= 0 && told.backwardBetweenOps() >= 0, "no time counts twice");
        long phases = told.ops().stream().filter(o -> o.phase() == Phase.SELECTION)
                .mapToLong(o -> o.forward().flops()).sum();
        assertTrue(phases <= told.outcome().flops().selection());
        assertEquals(told.outcome().flops().backward(), told.ops().stream().mapToLong(o -> o.backward().flops()).sum());
        assertEquals(told.outcome().flops().earlyExit(), told.ops().stream()
                .filter(o -> o.phase() == Phase.EARLY_EXIT).mapToLong(o -> o.forward().flops()).sum());
        for (OpRecord op : told.ops()) {
            assertTrue(op.forward().bytes() > 0 && op.rowsKept() <= op.rowsOf(), op.name());
            assertEquals(op.phase() == Phase.FORWARD, op.backward().runs() > 0, op.part() + " " + op.name());
            assertEquals(op.backward().runs() > 0, op.backward().bytes() > 0, op.name());
            op.sources().forEach(source -> assertTrue(source < op.index()));
        }
        assertEquals(method.equals("clm"), told.withoutSelection().isEmpty());
        JsonObject json = JsonParser.parseString(Json.line(ExplainJson.of(told))).getAsJsonObject();
        assertEquals(told.ops().size(), json.getAsJsonArray("ops").size());
        assertEquals(told.tokens().size(), json.getAsJsonArray("tokens").size());
        assertEquals(told.cost().multiplyAdds(), json.getAsJsonObject("total").get("multiply_adds").getAsLong());
        String text = ExplainText.of(told);
        assertTrue(text.contains("blocks.1") && text.contains("whole step"), text);
    }

    /** The closed forms of docs/performance.md, without going through the counter. */
    @Test
    void multiplyAddsOfEachOpAreThoseOfItsShapes() {
        Explanation told = explain(model(0), "cvar-loss:alpha=0.5", 1, null);
        long m = 64;
        long k = told.kept();
        assertTrue(k < m && k >= m / 2, "kept " + k);
        OpRecord up = only(told, "blocks.1.mlp.up", "Affine + GELU");
        assertEquals(m * 16 * 64, up.forward().multiplyAdds());
        assertEquals(2 * k * 16 * 64, up.backward().multiplyAdds());
        assertEquals(4 * (m * 16 + 16 * 64 + 64 + m * 64 + m * 64), up.forward().bytes(), "x, w, b, y and u");
        // dy, x, u of K rows; w and b; dx of K rows; dw and db
        assertEquals(4 * (k * 64 + k * 16 + k * 64 + 16 * 64 + 64 + k * 16 + 16 * 64 + 64), up.backward().bytes());
        OpRecord below = only(told, "blocks.0.mlp.up", "Affine + GELU");
        assertEquals(2 * m * 16 * 64, below.backward().multiplyAdds());
        OpRecord head = only(told, "head", "HeadCrossEntropy");
        assertEquals(m * 16 * 64, head.forward().multiplyAdds());
        assertEquals(2 * k * 16 * 64, head.backward().multiplyAdds());
    }

    @ParameterizedTest
    @MethodSource("methods")
    void rowsKeptAreTheSelection(String method) {
        Explanation told = explain(model(0), method, 2, null);
        long kept = told.kept();
        assertEquals(told.outcome().kept(), kept);
        long forward = told.tokens().stream().filter(t -> t.end() != TokenFate.End.WINDOW).count();
        OpRecord norm = only(told, "finalNorm", "LayerNorm");
        assertEquals(kept, norm.rowsKept());
        assertEquals(forward, norm.rowsOf());
        assertEquals(kept, only(told, "blocks.1.mlp.down", "Affine").rowsKept());
        assertEquals(kept, only(told, "blocks.1.attention", "CausalAttention").rowsKept());
        OpRecord below = only(told, "blocks.1.attention.qkv", "Affine");
        assertEquals(forward, below.rowsKept(), "keys and values have gradients in every row");
        String name = method.replaceFirst(":.*", "");
        TokenFate.End end = switch (name) {
            case "random", "shortlist-sampling" -> TokenFate.End.HEAD;
            default -> TokenFate.End.LOSS;
        };
        boolean windows = name.equals("instance") || name.equals("hierarchical");
        assertEquals(windows, told.tokens().stream().anyMatch(t -> t.end() == TokenFate.End.WINDOW));
        for (TokenFate t : told.tokens()) {
            assertTrue(t.kept() || t.end() == end || t.end() == TokenFate.End.WINDOW && windows, t.toString());
            assertEquals(t.kept(), t.weight() != 0);
        }
        assertTrue(name.equals("clm") || name.equals("sampled-softmax") || kept < told.tokens().size(),
                "some are dropped");
    }

    @Test
    void whyIsTheRiskThatDecided() {
        assertWhy("cvar-loss:alpha=0.3", "loss \\d+\\.\\d{4} is below the value-at-risk .*");
        assertWhy("var-entropy:alpha=0.3", "entropy \\d+\\.\\d{4} is below the value-at-risk .*");
        assertWhy("rho-1:reference=" + other, "loss above the reference model's -?\\d+\\.\\d{4} is below .*");
        assertWhy("random:alpha=0.5", "the method chose others, by no threshold that it states");
        assertWhy("instance:instance-alpha=0.5", "its window was dropped after the early exit.*");
    }

    private static void assertWhy(String method, String pattern) {
        List<TokenFate> dropped =
                explain(model(0), method, 1, null).tokens().stream().filter(t -> !t.kept()).toList();
        assertTrue(!dropped.isEmpty(), method);
        dropped.forEach(t -> assertTrue(t.why().matches(pattern), method + ": " + t.why()));
    }

    static Stream<String> rows() {
        return Stream.of("tokens.weight:31", "transformer.wte.weight:6", "transformer.wpe.weight:3",
                "h.0.attn.c_attn.weight:2", "h.1.attn.c_proj.weight:15", "h.1.mlp.c_fc.weight:7",
                "h.0.mlp.c_fc.bias:0", "h.1.mlp.c_proj.weight:40", "h.0.ln_2.weight:0", "ln_f.weight:0", "ln_f.bias:0");
    }

    @ParameterizedTest
    @MethodSource("rows")
    void aRowOfAGradientIsTheSumOfItsTokens(String row) {
        for (String method : List.of("cvar-loss:alpha=0.4", "kd:teacher=" + other, "random:alpha=0.5")) {
            Explanation told = explain(model(0.1), method, 2, row);
            RowGradient g = told.row().orElseThrow();
            double size = g.terms().stream().mapToDouble(RowGradient.Term::norm).sum();
            assertTrue(g.norm() > 0 && !g.terms().isEmpty(), row);
            assertTrue(g.rest() <= ROUNDING * size, method + " " + row + ": " + g.rest() + " of " + size);
            assertEquals(1, g.terms().stream().mapToDouble(RowGradient.Term::share).sum(),
                    ROUNDING * size / g.norm() * 10, row);
            for (RowGradient.Term t : g.terms()) {
                String weight = told.ops().get(t.op()).weights().stream().map(PretrainedNames::of).toList().toString();
                assertTrue(weight.contains(g.parameter()), weight);
                if (told.ops().get(t.op()).part().equals("head")) {
                    assertTrue(told.tokens().get(t.token()).kept(), "the mask removes the others");
                }
            }
        }
    }

    @Test
    void theNextStepOfARunIsTheOneThatItTakes() {
        Subject next = Subject.nextOf(other, Optional.empty(), backend, (_, _, _) -> {
        });
        Explanation told = Explainer.explain(next, Optional.empty(), Optional.of(1));
        assertTrue(told.what().startsWith("step 5 of "), told.what());
        JsonObject json = JsonParser.parseString(Program.run("explain", "--model", other.toString(), "--repeat", "1",
                "--threads", "1", "--json").ok().out()).getAsJsonObject();
        assertEquals(told.outcome().loss(), json.get("loss").getAsDouble());
        assertEquals(told.cost().multiplyAdds(), json.getAsJsonObject("total").get("multiply_adds").getAsLong());
        Program.run("train", "--init-from", "resume", "--out-dir", other.toString(), "--max-iters", "5",
                "--lr-decay-iters", "4", "--threads", "1").ok();
        JsonObject logged = RunLog.read(other).stream()
                .filter(line -> line.get("step").getAsInt() == 5 && line.has("grad_norm")).findFirst().orElseThrow();
        assertEquals(logged.get("loss").getAsDouble(), told.outcome().loss());
        assertEquals(logged.get("grad_norm").getAsDouble(), told.outcome().gradNorm());
        assertEquals(logged.get("lr").getAsDouble(), told.step().learningRate());
    }
}
