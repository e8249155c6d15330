// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.inspect;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.autograd.Tape;
import io.eslm.autograd.Variable;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.KeyValueCache;
import io.eslm.gpt2.Weights;
import io.eslm.gpt2.train.MicroBatch;
import io.eslm.gpt2.train.Objective;
import io.eslm.gpt2.train.Selection;
import io.eslm.tensor.DType;
import io.eslm.tensor.Rng;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import io.eslm.tensor.backend.FlopCounter.Phase;
import io.eslm.tensor.backend.Workspace;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Observing changes nothing, replacing changes what it says, and every gradient is the derivative of the loss. */
class ProbesTest {
    private static final int B = 2;
    private static final int T = 5;
    private static final int C = 12;
    private static final int H = 3;
    private static final int V = 17;
    private static final Gpt2Config CONFIG = Gpt2Config.of(2, H, C, T).with(Gpt2Config.VOCAB_SIZE, V);

    private final List<Backend> opened = new ArrayList<>();

    @AfterEach
    void close() {
        opened.forEach(Backend::close);
    }

    /** Keeps the tokens 1, 4, 5 and 8 of the 10. */
    private static final Objective SOME = new Objective() {
        @Override
        public String name() {
            return "some";
        }

        @Override
        public MicroBatch.Loss of(MicroBatch batch) {
            float[] weights = {0.25f, 0.25f, 0.25f, 0.25f};
            return batch.over(new Selection(new int[] {1, 4, 5, 8}, weights, Double.NaN, 0.6), batch.losses());
        }
    };

    private Gpt2 model(String backend, Gpt2Config config) {
        Backend b = Backends.open(backend, 2);
        opened.add(b);
        Weights random = Weights.random(config, b, Rng.of(5));
        Rng rng = Rng.of(6);
        // Larger than first weights are, so that no term hides behind another.
        return new Gpt2(config, b, (path, dims) -> {
            Tensor t = random.load(path, dims);
            float[] values = t.toFloats();
            for (int i = 0; i < values.length; i++) {
                values[i] = (float) (values[i] + 0.3 * rng.nextGaussian());
            }
            return Tensor.of(b, values, dims);
        });
    }

    private static Tensor ids(Gpt2 model, String use) {
        Rng rng = Rng.of(7).split(use);
        int[] ids = new int[B * T];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = rng.nextInt(V);
        }
        return Tensor.of(model.backend(), ids, B, T);
    }

    /** One training pass with dropout: the loss and all gradients. */
    private static Map<String, float[]> step(Gpt2 model, Objective objective) {
        Map<String, float[]> result = new LinkedHashMap<>();
        model.clearGradients();
        try (Tape tape = Tape.recording(new Workspace(model.backend()), Rng.of(3))) {
            Tensor targets = ids(model, "targets").reshape(B * T);
            MicroBatch.Loss loss =
                    objective.of(new MicroBatch(tape, model, ids(model, "ids"), targets, Rng.of(4), 1, 0));
            result.put("loss", loss.loss().value().toFloats());
            loss.loss().backward();
        }
        model.parameters().forEach((path, p) -> result.put(path, p.gradient().toFloats()));
        return result;
    }

    private static void assertSame(Map<String, float[]> expected, Map<String, float[]> actual) {
        assertEquals(expected.keySet(), actual.keySet());
        expected.forEach((name, values) -> assertArrayEquals(values, actual.get(name), name));
    }

    @ParameterizedTest
    @ValueSource(strings = {"scalar", "vector"})
    void observingEverythingChangesNoBitAndNoCount(String backend) {
        for (double dropout : new double[] {0, 0.2}) {
            Gpt2 model = model(backend, CONFIG.with(Gpt2Config.DROPOUT, dropout));
            for (Objective objective : List.of(new Objective.Mean(), SOME)) {
                long before = counted(model);
                Map<String, float[]> expected = step(model, objective);
                long flops = counted(model) - before;
                ActivationCache cache = new ActivationCache();
                try (Probes _ = Probes.on(model).observe("*", cache).observe("*.grad", cache)) {
                    assertSame(expected, step(model, objective));
                }
                assertEquals(flops, counted(model) - before - flops);
                assertEquals(2 * (7 + 2 * 15) - 2, cache.names().size());
                assertTrue(model.hooks().isEmpty());
                assertSame(expected, step(model, objective));
            }
        }
    }

    private static long counted(Gpt2 model) {
        return model.backend().flops().total() - model.backend().flops().count(Phase.INSPECTION);
    }

    @Test
    void shapesAreAsListed() {
        Gpt2 model = model("vector", CONFIG);
        Map<String, Integer> sizes = Map.of("B", B, "T", T, "C", C, "H", H, "D", C / H, "4C", 4 * C, "V", V);
        ActivationCache cache = new ActivationCache();
        try (Probes _ = Probes.on(model).observe("*", cache).observe("*.grad", cache)) {
            step(model, SOME);
        }
        for (String name : cache.names()) {
            StringBuilder expected = new StringBuilder();
            for (String letter : ActivationNames.shape(name).replaceAll("[(),]", "").split(" ")) {
                expected.append(expected.isEmpty() ? "" : ", ").append(sizes.get(letter));
            }
            assertEquals("(" + expected + ")", cache.get(name).shape().toString(), name);
        }
    }

    /** A replacement by the same value takes the composed path: equal to the fused one but for rounding. */
    @ParameterizedTest
    @ValueSource(strings = {"scalar", "vector"})
    void replacingAValueByItselfKeepsLossAndGradients(String backend) {
        for (double dropout : new double[] {0, 0.2}) {
            Gpt2 model = model(backend, CONFIG.with(Gpt2Config.DROPOUT, dropout));
            Map<String, float[]> expected = step(model, SOME);
            for (String name : replaceable()) {
                try (Probes _ = Probes.on(model).replace(name, (_, x) -> x)) {
                    step(model, SOME).forEach((what, actual) -> {
                        float[] e = expected.get(what);
                        double largest = 0;
                        for (float v : e) {
                            largest = Math.max(largest, Math.abs(v));
                        }
                        for (int i = 0; i < e.length; i++) {
                            // Some hundred roundings of 2⁻²⁴ that mostly cancel.
                            assertEquals(e[i], actual[i], 5e-6 * largest, name + " in " + what);
                        }
                    });
                }
            }
        }
    }

    private static List<String> replaceable() {
        return new ActivationNames(CONFIG).all().stream().filter(ActivationNames::hasGradient)
                .filter(n -> !n.equals("kept")).toList();
    }

    /** NAME.grad · direction = d loss / d eps at NAME + eps · direction, by central differences in double precision. */
    @Test
    void everyGradientIsTheDerivativeOfTheLoss() {
        Gpt2 model = doubleModel();
        for (String name : replaceable()) {
            if (name.endsWith("scores")) {
                continue; // minus infinity has no neighbours; the test below checks them
            }
            double[] direction = direction(name, model);
            ActivationCache cache = new ActivationCache();
            try (Probes _ = Probes.on(model).observe(name + ".grad", cache)) {
                loss(model, true);
            }
            double[] gradient = cache.get(name + ".grad").toDoubles();
            double expected = 0;
            for (int i = 0; i < gradient.length; i++) {
                expected += gradient[i] * direction[i];
            }
            double eps = 1e-5;
            double difference = (moved(model, name, direction, eps) - moved(model, name, direction, -eps)) / (2 * eps);
            // The truncation error is of order eps² = 1e-10 times third derivatives.
            assertEquals(difference, expected, 1e-7 * Math.max(1, Math.abs(expected)), name);
            assertTrue(Math.abs(expected) > 1e-6, name + ": the test would not notice a gradient of zero");
        }
    }

    /** The gradient of the scores follows from that of the pattern through the softmax: they sum to zero in each row. */
    @Test
    void gradientsOfScoresGoThroughTheSoftmax() {
        ActivationCache cache = new ActivationCache();
        Gpt2 model = doubleModel();
        try (Probes _ = Probes.on(model).observe("blocks.1.attn.*", cache).observe("blocks.1.attn.*.grad", cache)) {
            loss(model, true);
        }
        double[] pattern = cache.get("pattern", 1).toDoubles();
        double[] dPattern = cache.get("blocks.1.attn.pattern.grad").toDoubles();
        double[] dScores = cache.get("blocks.1.attn.scores.grad").toDoubles();
        for (int row = 0; row < B * H * T; row++) {
            double dot = 0;
            for (int j = 0; j < T; j++) {
                dot += pattern[row * T + j] * dPattern[row * T + j];
            }
            for (int j = 0; j < T; j++) {
                int at = row * T + j;
                assertEquals(pattern[at] * (dPattern[at] - dot), dScores[at], 1e-15);
            }
        }
    }

    private Gpt2 doubleModel() {
        Gpt2 single = model("scalar", CONFIG);
        return new Gpt2(CONFIG, single.backend(),
                (path, dims) -> single.parameters().get(path).value().to(DType.F64));
    }

    private static double[] direction(String name, Gpt2 model) {
        ActivationCache cache = new ActivationCache();
        try (Probes _ = Probes.on(model).observe(name, cache)) {
            loss(model, false);
        }
        double[] direction = new double[cache.get(name).size()];
        Rng rng = Rng.of(11).split(name);
        for (int i = 0; i < direction.length; i++) {
            direction[i] = rng.nextGaussian();
        }
        return direction;
    }

    private static double moved(Gpt2 model, String name, double[] direction, double eps) {
        try (Probes _ = Probes.on(model).replace(name, (_, x) -> {
            double[] step = direction.clone();
            for (int i = 0; i < step.length; i++) {
                step[i] *= eps;
            }
            return x.add(x.tape().constant(Tensor.of(model.backend(), DType.F64, step, x.shape().dims())));
        })) {
            return loss(model, false);
        }
    }

    /** Σ_m weight_m·loss_m with fixed weights, in the type of the model. */
    private static double loss(Gpt2 model, boolean backward) {
        model.clearGradients();
        try (Tape tape = Tape.withoutDropout(new Workspace(model.backend()))) {
            Variable hidden = model.forward(tape, ids(model, "ids"));
            Variable each = model.losses(hidden, ids(model, "targets").reshape(B * T)).loss();
            double[] weights = new double[B * T];
            for (int i = 0; i < weights.length; i++) {
                weights[i] = (i + 1) % 3;
            }
            Variable loss =
                    each.mul(tape.constant(Tensor.of(model.backend(), each.value().dtype(), weights, B * T))).sum();
            double value = loss.value().item();
            if (backward) {
                loss.backward();
            }
            return value;
        }
    }

    @Test
    void anAblatedHeadLeavesTheOthersAlone() {
        Gpt2 model = model("vector", CONFIG);
        ActivationCache before = new ActivationCache();
        ActivationCache after = new ActivationCache();
        float[] keep = {1, 0, 1};
        try (Probes _ = Probes.on(model).observe("blocks.0.attn.z", before)) {
            step(model, SOME);
        }
        try (Probes _ = Probes.on(model).observe("blocks.0.attn.z", after).replace("blocks.0.attn.z",
                (_, z) -> z.mul(z.tape().constant(Tensor.of(model.backend(), keep, H, 1))))) {
            step(model, SOME);
        }
        float[] x = before.get("z", 0).toFloats();
        float[] y = after.get("z", 0).toFloats();
        for (int i = 0; i < x.length; i++) {
            assertEquals(x[i] * keep[i / (C / H) % H], y[i]);
        }
    }

    @Test
    void severalLookAtOnceAndLeaveOneByOne() {
        Gpt2 model = model("scalar", CONFIG);
        List<String> heard = new ArrayList<>();
        Probes first = Probes.on(model).observe("loss", (_, _) -> heard.add("first"));
        Probes second = Probes.on(model).observe("blocks.*.hook_resid_post", (name, _) -> heard.add(name))
                .observe("ln_final.hook_normalized", (name, _) -> heard.add(name));
        step(model, SOME);
        assertEquals(List.of("blocks.0.resid_post", "blocks.1.resid_post", "ln_final", "first"), heard);
        first.close();
        heard.clear();
        step(model, SOME);
        assertEquals(3, heard.size());
        second.close();
        heard.clear();
        step(model, SOME);
        assertTrue(heard.isEmpty());
    }

    @Test
    void keptAndLossAreThoseOfTheMethod() {
        Gpt2 model = model("scalar", CONFIG);
        ActivationCache cache = new ActivationCache();
        try (Probes _ = Probes.on(model).observe("kept", cache).observe("loss.grad", cache)
                .observe("blocks.1.mlp.post.grad", cache)) {
            step(model, SOME);
        }
        assertArrayEquals(new float[] {0, 1, 0, 0, 1, 1, 0, 0, 1, 0}, cache.get("kept").toFloats());
        assertArrayEquals(new float[] {0, .25f, 0, 0, .25f, .25f, 0, 0, .25f, 0}, cache.get("loss.grad").toFloats());
        float[] post = cache.get("blocks.1.mlp.post.grad").toFloats();
        for (int i = 0; i < post.length; i++) {
            int token = i / (4 * C);
            boolean kept = token == 1 || token == 4 || token == 5 || token == 8;
            assertEquals(kept, post[i] != 0, "the last block sees no gradient of a dropped token");
        }
    }

    @Test
    void aTextIsInspectedInOneCall() {
        Gpt2 model = model("vector", CONFIG);
        int[] text = {1, 2, 3, 4, 5, 6};
        ActivationCache cache =
                Inspection.run(model, text, new Objective.Mean(), "blocks.*.attn.hook_pattern", "logits",
                        "loss.grad", "transformer.h.0.mlp.c_fc.weight", "transformer.ln_f.*.grad");
        assertEquals("(1, 3, 5, 5)", cache.get("pattern", 1).shape().toString());
        assertEquals("(1, 5, 17)", cache.get("logits").shape().toString());
        assertArrayEquals(new float[] {.2f, .2f, .2f, .2f, .2f}, cache.get("loss.grad").toFloats());
        assertEquals("(12, 48)", cache.get("transformer.h.0.mlp.c_fc.weight").shape().toString());
        assertTrue(cache.has("transformer.ln_f.bias.grad"));
        assertFalse(cache.has("transformer.ln_f.bias"));
        assertTrue(model.hooks().isEmpty());
        float[] rows = cache.get("pattern", 0).toFloats();
        for (int row = 0; row < rows.length / T; row++) {
            double sum = 0;
            for (int j = 0; j < T; j++) {
                sum += rows[row * T + j];
                assertTrue(j <= row % T || rows[row * T + j] == 0);
            }
            assertEquals(1, sum, 1e-6);
        }
    }

    @Test
    void generationIsSeenToo() {
        Gpt2 model = model("vector", CONFIG);
        KeyValueCache generation = new KeyValueCache(model, 1, T);
        ActivationCache cache = new ActivationCache();
        try (Probes p = Probes.on(model).observe("blocks.1.attn.q", cache).observe("pos_embed", cache);
                Tape tape = Tape.evaluation(model.backend())) {
            generation.forward(tape, Tensor.of(model.backend(), new int[] {1, 2, 3}, 1, 3));
            assertEquals("(1, 3, 3, 4)", cache.get("q", 1).shape().toString());
            generation.forward(tape, Tensor.of(model.backend(), new int[] {4}, 1, 1));
            assertEquals("(1, 1, 3, 4)", cache.get("q", 1).shape().toString());
            float[] fourth = model.parameters().get("positions.weight").value().rows(3, 1).toFloats();
            assertArrayEquals(fourth, cache.get("pos_embed").toFloats());
            p.observe("blocks.0.attn.pattern", cache);
            Throwable e = assertThrows(UnsupportedOperationException.class,
                    () -> generation.forward(tape, Tensor.of(model.backend(), new int[] {4}, 1, 1)));
            assertTrue(e.getMessage().contains("run the whole text at once"), e.getMessage());
        }
    }

    @Test
    void wrongNamesAndShapesAreRefused() {
        Gpt2 model = model("scalar", CONFIG);
        try (Probes p = Probes.on(model)) {
            assertTrue(assertThrows(UserError.class, () -> p.observe("blocks.2.resid_pre", (_, _) -> {
            })).getMessage().startsWith("no activation is called blocks.2.resid_pre. Names are, for example, "));
            assertEquals("kept can be observed, but not replaced; replace an activation that it follows from",
                    assertThrows(UserError.class, () -> p.replace("kept", (_, x) -> x)).getMessage());
            assertThrows(UserError.class, () -> p.replace("resid.grad", (_, x) -> x));
            p.replace("blocks.0.ln1", (_, x) -> x.reshape(B * T, C));
            assertEquals("blocks.0.ln1: the replacement is (10, 12), must be (2, 5, 12)",
                    assertThrows(IllegalArgumentException.class, () -> step(model, SOME)).getMessage());
        }
        assertEquals("an inspection takes 2 to 6 tokens with this model, was given 7", assertThrows(UserError.class,
                () -> Inspection.run(model, new int[7], new Objective.Mean(), "loss")).getMessage());
        assertTrue(assertThrows(UserError.class,
                () -> Inspection.run(model, new int[3], new Objective.Mean(), "loss").get("logits"))
                .getMessage().equals("logits was not observed; there are [loss]"));
    }
}
