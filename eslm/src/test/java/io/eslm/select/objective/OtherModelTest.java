// SPDX-License-Identifier: Apache-2.0
package io.eslm.select.objective;

import static io.eslm.select.ObjectiveRun.BATCH;
import static io.eslm.select.ObjectiveRun.M;
import static io.eslm.select.ObjectiveRun.TIME;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.autograd.Tape;
import io.eslm.autograd.Variable;
import io.eslm.autograd.op.Add;
import io.eslm.autograd.op.WeightedSum;
import io.eslm.autograd.op.basic.CrossEntropy;
import io.eslm.autograd.op.basic.Exp;
import io.eslm.autograd.op.basic.LogSoftmax;
import io.eslm.autograd.op.basic.Mul;
import io.eslm.autograd.op.basic.Scale;
import io.eslm.autograd.op.basic.Sub;
import io.eslm.autograd.op.basic.Sum;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.train.Objective;
import io.eslm.select.MethodSpec;
import io.eslm.select.ObjectiveRun;
import io.eslm.select.SelectionPreview;
import io.eslm.select.token.AlphaSchedule;
import io.eslm.select.token.Risk;
import io.eslm.select.token.TokenScores;
import io.eslm.select.token.ValueAtRisk;
import io.eslm.tensor.DType;
import io.eslm.tensor.Rng;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.FlopCounter.Phase;
import io.eslm.tensor.backend.Workspace;
import java.util.Arrays;
import java.util.OptionalInt;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The methods that ask another model: a reference or a teacher. */
class OtherModelTest {
    private final ObjectiveRun run = new ObjectiveRun(0);
    private final Gpt2 other = run.model(0.1, 3, 77);

    @AfterEach
    void close() {
        run.close();
    }

    private static Objective method(String spec, Gpt2 model) {
        return MethodSpec.parse(spec).objective(_ -> model);
    }

    private static float[] losses(ObjectiveRun run, Gpt2 model) {
        try (Tape tape = Tape.evaluation(new Workspace(run.backend))) {
            Tensor entropy = tape.memory(DType.F32, M);
            Variable logits = model.logits(model.forward(tape, tape.put(run.inputs, BATCH, TIME)));
            return tape.apply(new CrossEntropy(tape.put(run.targets, M), entropy), logits).value().toFloats();
        }
    }

    /** Reference, teacher and shallow pass read the documents of a window as the model in training does. */
    @ParameterizedTest
    @ValueSource(strings = {"rho-1:reference=x,keep-ratio=0.5", "kd:teacher=x,alpha=0.5"})
    void itSeparatesDocumentsToo(String spec) {
        run.run(method(spec, other));
        long whole = run.backend.flops().count(Phase.SELECTION);
        run.model.separateDocuments(OptionalInt.of(run.inputs[TIME / 2]));
        run.run(method(spec, other));
        assertEquals(run.model.separator(), other.separator());
        assertTrue(run.backend.flops().count(Phase.SELECTION) < 2 * whole, "fewer pairs");
    }

    // ---- rho-1

    @Test
    void itsOwnReferenceKeepsEverything() {
        ObjectiveRun.Outcome o = run.run(method("rho-1:reference=x,keep-ratio=0.3", run.model));
        assertEquals(M, o.step().kept());
        assertEquals(0, o.step().valueAtRisk());
        run.run(new Objective.Mean()).assertSameBits(o);
    }

    @ParameterizedTest
    @ValueSource(doubles = {0.3, 0.7, 1})
    void theShareWithTheHighestExcessIsKept(double share) {
        float[] own = losses(run, run.model);
        float[] reference = losses(run, other);
        float[] excess = new float[M];
        for (int i = 0; i < M; i++) {
            excess[i] = own[i] - reference[i];
        }
        double alpha = share == 1 ? 0 : share == 0.7 ? 0.3 : 0.7;
        int[] rows = ValueAtRisk.keepTail(excess, alpha).rows();
        long before = run.backend.flops().count(Phase.SELECTION);
        ObjectiveRun.Outcome o = run.run(method("rho-1:reference=x,keep-ratio=" + share, other));
        assertEquals(alpha, o.step().alpha());
        assertTrue(run.backend.flops().count(Phase.SELECTION) > before, "the reference's pass is counted apart");
        ObjectiveRun.Outcome expected = run.run(new SelectiveObjective("fixed", AlphaSchedule.constant(alpha),
                _ -> (_, _, _) -> ValueAtRisk.keepTail(excess, alpha)));
        assertEquals(rows == null ? M : rows.length, o.step().kept());
        expected.assertClose(o, 1e-6f);
        if (share < 1) {
            int[] byLoss = ValueAtRisk.keepTail(own, alpha).rows();
            assertNotEquals(Arrays.toString(byLoss), Arrays.toString(rows), "the reference matters");
        }
    }

    @Test
    void theExcessIsShownOnAText() {
        int[] text = Arrays.copyOf(run.inputs, TIME + 1);
        TokenScores own = TokenScores.of(run.model, text);
        TokenScores reference = TokenScores.of(other, text);
        float[] excess = new float[TIME];
        for (int i = 0; i < TIME; i++) {
            excess[i] = own.loss()[i] - reference.loss()[i];
        }
        SelectionPreview.Choice choice =
                SelectionPreview.of(method("rho-1:reference=x,keep-ratio=0.5", other), text, own);
        boolean[] expected = own.selected((_, _, _) -> ValueAtRisk.keepTail(excess, 0.5));
        assertArrayEquals(expected, choice.kept());
    }

    // ---- distillation

    @ParameterizedTest
    @ValueSource(strings = {"loss", "entropy"})
    void withoutWeightDistillationIsEslm(String risk) {
        Objective eslm = ObjectiveRun.method((risk.equals("loss") ? "cvar-loss" : "var-entropy") + ":alpha=0.3");
        run.run(eslm).assertSameBits(run.run(method("kd:teacher=x,kd-weight=0,alpha=0.3,risk=" + risk, other)));
        assertNotEquals(run.run(eslm).loss(), run.run(method("kd:teacher=x,alpha=0.3,risk=" + risk, other)).loss());
    }

    /** KL is exactly 0; the gradient's two exponentials differ by rounding: 2⁻²⁰ of a gradient of size 1. */
    @ParameterizedTest
    @ValueSource(strings = {"alpha=0", "alpha=0.4", "alpha=0.4,temperature=1", "alpha=0.4,temperature=7.3"})
    void aTeacherLikeTheStudentHasNothingToSay(String settings) {
        ObjectiveRun.Outcome o = run.run(method("kd:teacher=x,kd-weight=1," + settings, run.model));
        assertEquals(0, o.loss(), 1e-6);
        o.gradients().forEach((name, g) -> assertEquals(0, ObjectiveRun.Outcome.largest(g), 0x1p-20, name));
    }

    /** The same through whole logits, simple ops, and weights that are zero for what is dropped. */
    @ParameterizedTest
    @CsvSource({"0.0, 1.0, 1.5, ENTROPY", "0.3, 0.5, 2.0, ENTROPY", "0.3, 1.0, 0.8, LOSS", "0.6, 0.25, 4.0, LOSS",
        "0.4, 0.5, 2.0, GRADIENT"})
    void gradientEqualsTheComposedPath(double alpha, double mix, double temperature, Risk risk) {
        ObjectiveRun.Outcome actual = run.run(method("kd:teacher=x,alpha=%s,kd-weight=%s,temperature=%s,risk=%s"
                .formatted(alpha, mix, temperature, risk), other));
        try (Tape tape = Tape.recording(new Workspace(run.backend), Rng.of(3));
                Tape teaching = Tape.evaluation(new Workspace(run.backend))) {
            Tensor ids = tape.put(run.inputs, BATCH, TIME);
            Variable known = other.logits(other.forward(teaching, ids));
            Variable q = tape.apply(new LogSoftmax(), tape.apply(new Scale(1 / temperature),
                    tape.constant(known.value())));
            Variable logits = run.model.logits(run.model.forward(tape, ids));
            Tensor entropy = tape.memory(DType.F32, M);
            Variable hard = tape.apply(new CrossEntropy(tape.put(run.targets, M), entropy), logits);
            Variable p = tape.apply(new LogSoftmax(), tape.apply(new Scale(1 / temperature), logits));
            Variable kl = tape.apply(new Sum(-1, false), tape.apply(new Mul(), tape.apply(new Exp(), q),
                    tape.apply(new Sub(), q, p)));
            Variable mixed = tape.apply(new Add(), tape.apply(new Scale(1 - mix), hard),
                    tape.apply(new Scale(mix * temperature * temperature), kl));
            int[] rows = ValueAtRisk.keepTail(risk.of(hard.value().toFloats(), entropy.toFloats()), alpha).rows();
            float[] weights = new float[M];
            for (int k = 0; k < (rows == null ? M : rows.length); k++) {
                weights[rows == null ? k : rows[k]] = 1f / (rows == null ? M : rows.length);
            }
            ObjectiveRun.Outcome composed =
                    run.outcome(tape, null, tape.apply(new WeightedSum(null, tape.put(weights, M)), mixed));
            // Sums in another order over at most 27·37 terms: 2⁻²⁴·√999 of the largest entry, with room for depth.
            composed.assertClose(actual, 4e-5f);
        }
    }

    /** What is logged is the student's own loss, as with every other method. */
    @Test
    void theLogShowsTheStudentsLoss() {
        ObjectiveRun.Outcome eslm = run.run(ObjectiveRun.method("cvar-loss:alpha=0.3"));
        ObjectiveRun.Outcome distilled = run.run(method("kd:teacher=x,alpha=0.3", other));
        assertEquals(eslm.step().lossSum(), distilled.step().lossSum());
        assertEquals(eslm.step().keptLossSum(), distilled.step().keptLossSum());
        assertEquals(eslm.step().kept(), distilled.step().kept());
        try (Tape tape = Tape.recording(new Workspace(run.backend), Rng.of(3))) {
            assertEquals(run.batch(tape, null).losses().lossValues().length, distilled.step().tokens());
        }
    }
}
