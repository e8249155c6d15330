// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.eslm.autograd.Parameter;
import io.eslm.autograd.Rows;
import io.eslm.autograd.Tape;
import io.eslm.autograd.Variable;
import io.eslm.autograd.op.HeadCrossEntropy;
import io.eslm.autograd.op.WeightedSum;
import io.eslm.autograd.optim.AdamW;
import io.eslm.autograd.optim.AdamWOptions;
import io.eslm.gpt2.Golden.Precision;
import io.eslm.gpt2.Gpt2.TokenLosses;
import io.eslm.gpt2.train.MicroBatch;
import io.eslm.gpt2.train.Selection;
import io.eslm.tensor.DType;
import io.eslm.tensor.Rng;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Workspace;
import java.util.Arrays;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Compares every value of a training step with Hugging Face's, see tools/golden. */
class GoldenTest {
    private static final double RATE = 1e-3;
    private static final int STEPS = 3;

    static Stream<Arguments> cases() {
        return Stream.of("even", "odd").flatMap(name -> Precision.usable()
                .map(precision -> Arguments.of(name, precision)));
    }

    /** Training uses single precision. */
    static Stream<Arguments> singleCases() {
        return cases().filter(c -> ((Precision) c.get()[1]).type() == DType.F32);
    }

    /** Mean loss over {@code rows}, or over all tokens if they are null, in the type of the model. */
    private record Loss(Variable mean, Tensor each, Tensor entropy) {
        static Loss of(Tape tape, Golden golden, int[] rows) {
            Gpt2 model = golden.model();
            DType type = model.head().value().dtype();
            Tensor targets = golden.targets();
            Tensor entropy = tape.memory(type, targets.size());
            Variable each =
                    tape.apply(new HeadCrossEntropy(targets, entropy), model.forward(tape, golden.ids()), model.head());
            Tensor values = each.value().to(type);
            int kept = rows == null ? targets.size() : rows.length;
            Tensor weights = Tensor.full(model.backend(), type, 1.0 / kept, kept);
            Rows of = rows == null ? null : new Rows(tape.put(rows, kept), targets.size());
            return new Loss(tape.apply(new WeightedSum(of, weights), each), values, entropy);
        }
    }

    private static Tape recording(Backend backend) {
        return Tape.recording(new Workspace(backend), Rng.of(0));
    }

    @ParameterizedTest
    @MethodSource("cases")
    void hiddenStatesAndLogits(String name, Precision precision) {
        try (Golden golden = new Golden(name, precision); Tape tape = recording(golden.model().backend())) {
            Gpt2 model = golden.model();
            int batch = golden.dim("input_ids", 0);
            Variable x = model.embed(tape, golden.ids());
            for (int i = 0; i < model.config().nLayer(); i++) {
                golden.assertClose("hidden." + i, x.value(), precision.forward());
                x = model.block(i, x, batch, null);
            }
            golden.assertClose("hidden." + model.config().nLayer(), x.value(), precision.forward());
            Variable hidden = model.finalNorm(x);
            golden.assertClose("logits", model.logits(hidden).value(), precision.forward());
            assertArrayEquals(hidden.value().toDoubles(), model.forward(tape, golden.ids()).value().toDoubles());
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void lossAndEntropyOfEachToken(String name, Precision precision) {
        try (Golden golden = new Golden(name, precision); Tape tape = recording(golden.model().backend())) {
            Loss loss = Loss.of(tape, golden, null);
            golden.assertClose("token_loss", loss.each(), precision.forward());
            golden.assertClose("token_entropy", loss.entropy(), precision.forward());
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void gradients(String name, Precision precision) {
        try (Golden golden = new Golden(name, precision); Tape tape = recording(golden.model().backend())) {
            tape.backward(Loss.of(tape, golden, null).mean());
            assertGradients(golden, "grad.", precision);
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void gradientsOfTheSelectedTokensAlone(String name, Precision precision) {
        try (Golden golden = new Golden(name, precision); Tape tape = recording(golden.model().backend())) {
            int[] selected = golden.ints("selected");
            int[] rows = IntStream.range(0, selected.length).filter(i -> selected[i] == 1).toArray();
            tape.backward(Loss.of(tape, golden, rows).mean());
            assertGradients(golden, "masked_grad.", precision);
        }
    }

    /** Like the trainer: losses, threshold by its definition, selection. Two backward passes, each of half weight. */
    @ParameterizedTest
    @MethodSource("singleCases")
    void gradientsThroughSelection(String name, Precision precision) {
        try (Golden golden = new Golden(name, precision); Tape tape = recording(golden.model().backend())) {
            for (int half = 0; half < 2; half++) {
                tape.reset();
                MicroBatch batch =
                        new MicroBatch(tape, golden.model(), golden.ids(), golden.targets(), Rng.of(1), 0.5, 0);
                TokenLosses losses = batch.losses();
                float[] order = losses.lossValues().clone();
                Arrays.sort(order);
                float threshold = order[(int) Math.ceil(golden.setting("alpha") * order.length) - 1];
                boolean[] keep = new boolean[order.length];
                for (int i = 0; i < keep.length; i++) {
                    keep[i] = losses.lossValues()[i] >= threshold;
                    assertEquals(golden.ints("selected")[i] == 1, keep[i], "token " + i);
                }
                tape.backward(batch.over(Selection.mean(keep, threshold, 0.5), losses).loss());
            }
            assertGradients(golden, "masked_grad.", precision);
        }
    }

    private static void assertGradients(Golden golden, String prefix, Precision precision) {
        Map<String, Parameter> parameters = golden.model().parameters();
        assertEquals(12 * golden.model().config().nLayer() + 4, parameters.size());
        parameters.forEach(
                (path, p) -> golden.assertClose(prefix + PretrainedNames.of(path), p.gradient(), precision.backward()));
    }

    /**
     * Parameters after each step. An update is lr·m̂/(√v̂ + eps), near lr·sign(g) in the first steps, so an error e of a
     * gradient g moves it by up to lr·e/|g|, and by at most 2·lr, which is the only bound for the key biases: their gradients
     * are zero but for rounding. Each step also rounds the parameter itself, by 2⁻²⁴ of its value.
     */
    @ParameterizedTest
    @MethodSource("cases")
    void parametersAfterEachStep(String name, Precision precision) {
        try (Golden golden = new Golden(name, precision); Tape tape = recording(golden.model().backend())) {
            Gpt2 model = golden.model();
            assertEquals(RATE, golden.setting("rate"));
            AdamW optimizer = new AdamW(model.parameters(), new AdamWOptions(0.9, 0.95, 1e-8, 0.1));
            double[] losses = golden.doubles("adamw_loss");
            for (int step = 0; step < STEPS; step++) {
                model.clearGradients();
                tape.reset();
                Loss loss = Loss.of(tape, golden, null);
                assertEquals(losses[step], loss.mean().value().item(), losses[step] * (0x1p-24 + precision.forward()));
                tape.backward(loss.mean());
                optimizer.step(RATE, 1);
                int done = step + 1;
                model.parameters().forEach((path, p) -> {
                    String hf = PretrainedNames.of(path);
                    String what = "adamw." + (done - 1) + "." + hf;
                    double[] expected = golden.doubles(what);
                    Golden.assertClose(what, expected, p.value().toDoubles(),
                            tolerance(expected, golden.doubles("grad." + hf), done, precision));
                });
            }
        }
    }

    private static double[] tolerance(double[] parameter, double[] gradient, int steps, Precision precision) {
        double largest = Arrays.stream(gradient).map(Math::abs).max().orElseThrow();
        double rounding = precision.type() == DType.F64 ? 0x1p-24 : (steps + 1) * 0x1p-24;
        double[] tolerance = new double[parameter.length];
        for (int i = 0; i < tolerance.length; i++) {
            double relative = precision.backward() * largest / (Math.abs(gradient[i]) + 1e-300);
            tolerance[i] = rounding * Math.abs(parameter[i]) + steps * RATE * Math.min(2, relative);
        }
        return tolerance;
    }

    @Test
    void theComparisonNoticesASmallError() {
        double[] expected = {1, -2, 1e-3};
        Golden.assertClose("same", expected, expected.clone(), 0);
        double[] off = {1, -2, 1e-3 + 3e-6};
        Golden.assertClose("within", expected, off, 2e-6);
        assertThrows(AssertionError.class, () -> Golden.assertClose("bumped", expected, off, 1e-6));
        assertThrows(AssertionError.class,
                () -> Golden.assertClose("NaN", expected, new double[] {1, Double.NaN, 1e-3}, 1));
        assertThrows(AssertionError.class, () -> Golden.assertClose("short", expected, new double[] {1, -2}, 1));
    }
}
