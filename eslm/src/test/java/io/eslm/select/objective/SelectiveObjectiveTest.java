// SPDX-License-Identifier: Apache-2.0
package io.eslm.select.objective;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.autograd.Tape;
import io.eslm.autograd.Variable;
import io.eslm.autograd.op.WeightedSum;
import io.eslm.autograd.op.basic.CrossEntropy;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.Gpt2.TokenLosses;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.Weights;
import io.eslm.gpt2.train.MicroBatch;
import io.eslm.gpt2.train.MicroBatch.Loss;
import io.eslm.gpt2.train.Objective;
import io.eslm.gpt2.train.Selection;
import io.eslm.select.MethodSpec;
import io.eslm.select.token.AlphaSchedule;
import io.eslm.select.token.Risk;
import io.eslm.select.token.TailSelection;
import io.eslm.select.token.TokenSelector;
import io.eslm.select.token.ValueAtRisk;
import io.eslm.tensor.DType;
import io.eslm.tensor.Rng;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import io.eslm.tensor.backend.Workspace;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What selection does to the gradients of a small GPT-2. */
class SelectiveObjectiveTest {
    private static final int BATCH = 3;
    private static final int TIME = 9;
    private static final int M = BATCH * TIME;
    private static final int VOCABULARY = 37;
    private static Backend backend;
    private static Gpt2 model;

    private final int[] inputs = ids(1);
    private final int[] targets = ids(2);

    @BeforeAll
    static void makeModel() {
        backend = Backends.open("auto", 1);
        Gpt2Config config = Gpt2Config.of(2, 3, 24, TIME).with(Gpt2Config.VOCAB_SIZE, VOCABULARY)
                .with(Gpt2Config.DROPOUT, 0.1);
        model = new Gpt2(config, backend, Weights.random(config, backend, Rng.of(5)));
    }

    @AfterAll
    static void close() {
        backend.close();
    }

    private static int[] ids(long seed) {
        Rng rng = Rng.of(seed);
        int[] ids = new int[M];
        Arrays.setAll(ids, _ -> rng.nextInt(VOCABULARY));
        return ids;
    }

    private record Outcome(Loss step, float loss, Map<String, float[]> gradients) {
    }

    private static Objective method(String name, String alpha) {
        return MethodSpec.parse(name, Map.of(ValueAtRisk.ALPHA, alpha)).objective(_ -> null);
    }

    private Outcome run(Objective method) {
        try (Tape tape = Tape.recording(new Workspace(backend), Rng.of(3))) {
            Loss step = method.of(batch(tape));
            return outcome(tape, step, step.loss());
        }
    }

    private MicroBatch batch(Tape tape) {
        return new MicroBatch(tape, model, tape.put(inputs, BATCH, TIME), tape.put(targets, M), Rng.of(4), 1, 0);
    }

    private static Outcome outcome(Tape tape, Loss step, Variable loss) {
        model.clearGradients();
        tape.backward(loss);
        Map<String, float[]> gradients = new TreeMap<>();
        model.parameters().forEach((name, p) -> gradients.put(name, p.gradient().toFloats()));
        return new Outcome(step, loss.value().toFloats()[0], gradients);
    }

    private static void assertSameBits(Outcome expected, Outcome actual) {
        assertEquals(expected.loss, actual.loss);
        expected.gradients.forEach((name, g) -> assertArrayEquals(g, actual.gradients.get(name), name));
    }

    @ParameterizedTest
    @ValueSource(strings = {"cvar-loss", "var-entropy", "random"})
    void alphaZeroIsLanguageModellingBitForBit(String method) {
        Outcome mean = run(new Objective.Mean());
        Outcome selective = run(method(method, "0"));
        assertEquals(M, selective.step.kept());
        assertSameBits(mean, selective);
        assertNotEquals(mean.loss, run(method(method, "0.3")).loss, "the comparison would see a selection");
    }

    @ParameterizedTest
    @ValueSource(strings = {"cvar-loss", "var-entropy", "random"})
    void keepsAsManyAsItSays(String method) {
        Loss step = run(method(method, "0.3")).step;
        assertEquals(M - ValueAtRisk.rank(M, 0.3) + 1, step.kept());
        boolean random = method.equals("random");
        assertEquals(random ? step.kept() : M, step.tokens(), "what chance drops has no head");
        assertEquals(0.3, step.alpha());
        assertTrue(random == Double.isNaN(step.valueAtRisk()));
    }

    @Test
    void theLossIsTheMeanOfTheWorst() {
        Outcome o = run(method("cvar-loss", "0.3"));
        assertEquals(o.step.keptLossSum() / o.step.kept(), o.loss, 1e-6 * o.loss); // 19 terms of a float sum
        assertTrue(o.loss > o.step.lossSum() / M, "the worst are worse than the mean");
    }

    /** With the selection held fixed, the target of a dropped token does not matter. */
    @Test
    void aDroppedTokensOwnLossMovesNoGradient() {
        boolean[] keep = new boolean[M];
        Arrays.fill(keep, true);
        keep[4] = false;
        keep[17] = false;
        Objective fixed = new SelectiveObjective("fixed", AlphaSchedule.constant(0.5),
                _ -> (_, _, _) -> Selection.mean(keep, Double.NaN, 0.5));
        Outcome before = run(fixed);
        targets[4] = (targets[4] + 1) % VOCABULARY;
        targets[17] = (targets[17] + 5) % VOCABULARY;
        assertSameBits(before, run(fixed));
        targets[5] = (targets[5] + 1) % VOCABULARY;
        assertFalse(Arrays.equals(before.gradients.get("tokens.weight"), run(fixed).gradients.get("tokens.weight")),
                "a kept token's target does matter");
    }

    /** Entropy does not look at targets: the real method, with the target of a token that it drops changed. */
    @Test
    void varEntropyIgnoresTheTargetsItDrops() {
        Objective method = method("var-entropy", "0.5");
        Outcome before = run(method);
        int dropped = firstDropped();
        targets[dropped] = (targets[dropped] + 1) % VOCABULARY;
        Outcome after = run(method);
        assertNotEquals(before.step.lossSum(), after.step.lossSum(), "the loss over all tokens sees the change");
        assertSameBits(before, after);
    }

    private int firstDropped() {
        try (Tape tape = Tape.recording(new Workspace(backend), Rng.of(3))) {
            TokenLosses risks = batch(tape).losses();
            int[] kept =
                    new TailSelection(Risk.ENTROPY, 0.5).select(risks.lossValues(), risks.entropyValues(), null).rows();
            int i = 0;
            while (kept[i] == i) {
                i++;
            }
            return i;
        }
    }

    /** The same mean through whole logits, all rows, and weights that are zero for what is dropped. */
    @ParameterizedTest
    @ValueSource(strings = {"cvar-loss", "var-entropy"})
    void gradientEqualsTheComposedPath(String method) {
        Outcome masked = run(method(method, "0.4"));
        try (Tape tape = Tape.recording(new Workspace(backend), Rng.of(3))) {
            Variable logits = model.logits(model.forward(tape, tape.put(inputs, BATCH, TIME)));
            Tensor entropy = tape.memory(DType.F32, M);
            Variable losses = tape.apply(new CrossEntropy(tape.put(targets, M), entropy), logits);
            TokenSelector selector = method.equals("cvar-loss") ? new TailSelection(Risk.LOSS, 0.4)
                    : new TailSelection(Risk.ENTROPY, 0.4);
            Selection s = selector.select(losses.value().toFloats(), entropy.toFloats(), null);
            float[] weights = new float[M];
            for (int row : s.rows()) {
                weights[row] = 1f / s.kept();
            }
            Outcome composed = outcome(tape, null,
                    tape.apply(new WeightedSum(null, tape.put(weights, M)), losses));
            assertEquals(composed.loss, masked.loss, 1e-6 * composed.loss);
            composed.gradients.forEach((name, g) -> {
                // Sums in another order over at most 27·37 terms: 2⁻²⁴·√999 of the largest entry, with room for depth.
                float largest = 0;
                for (float v : g) {
                    largest = Math.max(largest, Math.abs(v));
                }
                assertArrayEquals(g, masked.gradients.get(name), 2e-5f * largest, name);
            });
        }
    }

    @Test
    void equalRisksKeepAll() {
        float[] equal = new float[M];
        Arrays.fill(equal, 3.25f);
        assertEquals(M, new TailSelection(Risk.LOSS, 0.9).select(equal, equal, null).kept());
        assertEquals(M, new TailSelection(Risk.ENTROPY, 0.9).select(equal, equal, null).kept());
    }
}
