// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.nn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.autograd.Parameter;
import io.eslm.autograd.Tape;
import io.eslm.autograd.Variable;
import io.eslm.autograd.check.SampleSource;
import io.eslm.autograd.op.basic.Sum;
import io.eslm.tensor.DType;
import io.eslm.tensor.Rng;
import io.eslm.tensor.Shape;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import io.eslm.tensor.backend.Workspace;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ModuleTest {
    private final Backend backend = Backends.open("scalar", 1);
    private final SampleSource source = new SampleSource(backend, DType.F64, Rng.of(3));
    private final Workspace workspace = new Workspace(backend);

    @AfterEach
    void close() {
        backend.close();
    }

    private Linear linear(int in, int out) {
        return new Linear(source.normal(in, out), source.normal(out));
    }

    private final class Tree extends Module {
        private final Parameter table = parameter("table.weight", new Parameter(source.normal(4, 2)));
        private final List<Linear> layers = parts("layers", List.of(linear(2, 3), linear(3, 2)));
        private final Parameter scale = parameter("scale", new Parameter(source.normal(2)));
        private final Parameter head = parameter("head.weight", new Parameter(source.normal(1, 2)));

        Tree(boolean clash) {
            parameter(clash ? "scale" : "tied", table);
        }
    }

    // ---- tree

    @Test
    void aPathNamesEachParameterOnce() {
        Tree tree = new Tree(false);
        assertEquals(
                List.of("table.weight", "layers.0.weight", "layers.0.bias", "layers.1.weight", "layers.1.bias", "scale",
                        "head.weight"),
                List.copyOf(tree.parameters().keySet()), "a shared parameter stands under its first path");
        assertSame(tree.table, tree.parameters().get("table.weight"));
        assertSame(tree.scale, tree.parameters().get("scale"));
        assertSame(tree.head, tree.parameters().get("head.weight"));
        assertEquals(2, tree.layers.size());
        assertEquals(8 + 6 + 3 + 6 + 2 + 2 + 2, tree.parameterCount());
    }

    @Test
    void twoMembersOfOneNameAreAMistake() {
        assertEquals("module: Tree has two members named scale",
                assertThrows(IllegalArgumentException.class, () -> new Tree(true)).getMessage());
    }

    @Test
    void clearedGradientsStartFromZero() {
        Tree tree = new Tree(false);
        Linear linear = tree.layers.getFirst();
        for (int step = 0; step < 2; step++) {
            tree.clearGradients();
            try (Tape tape = Tape.recording(workspace, Rng.of(0))) {
                Variable x = tape.constant(Tensor.of(backend, DType.F64, new double[] {1, 2}, 1, 2));
                tape.backward(tape.apply(new Sum(null, false), linear.forward(x)));
            }
            assertArrayEquals(new double[] {1, 1, 1, 2, 2, 2},
                    tree.parameters().get("layers.0.weight").gradient().toDoubles());
            assertArrayEquals(new double[2], tree.scale.gradient().toDoubles(), "never reached: zero");
        }
        tree.clearGradients();
        assertArrayEquals(new double[6], tree.parameters().get("layers.0.weight").gradient().toDoubles());
    }

    // ---- layers

    @Test
    void linearIsAProductAndASum() {
        Linear linear = new Linear(Tensor.of(backend, DType.F64, new double[] {1, 2, 3, 4}, 2, 2),
                Tensor.of(backend, DType.F64, new double[] {10, 20}, 2));
        try (Tape tape = Tape.evaluation(workspace)) {
            Variable x = tape.constant(Tensor.of(backend, DType.F64, new double[] {1, 1}, 1, 2));
            assertArrayEquals(new double[] {14, 26}, linear.forward(x).value().toDoubles());
            assertArrayEquals(new double[] {15, 27}, linear.forward(x, x).value().toDoubles());
            assertArrayEquals(new double[] {14, 26}, linear.forwardGelu(x).value().toDoubles(), 1e-12,
                    "gelu(x) is x far to the right");
        }
    }

    @Test
    void linearKeepsLeadingAxes() {
        Linear linear = linear(4, 5);
        Tensor x = source.normal(2, 3, 4);
        try (Tape tape = Tape.evaluation(workspace)) {
            Variable y = linear.forward(tape.constant(x));
            assertEquals(Shape.of(2, 3, 5), y.shape());
            assertArrayEquals(linear.forward(tape.constant(x.reshape(6, 4))).value().toDoubles(),
                    y.value().toDoubles());
            assertEquals(Shape.of(2, 3, 5), linear.forwardGelu(tape.constant(x)).shape());
            assertEquals(Shape.of(2, 3, 5), linear.forward(tape.constant(x), y).shape());
            assertEquals(Shape.of(5), linear.forward(tape.constant(x.reshape(6, 4).rows(0, 1).reshape(4))).shape());
        }
    }

    /** PyTorch's: uniform in ±1/√in, so the variance is 1/(3·in). */
    @Test
    void linearStartsLikePyTorchs() {
        Linear linear = Linear.of(backend, 100, 200, Rng.of(1));
        float[] weight = linear.parameters().get("weight").value().toFloats();
        float[] bias = linear.parameters().get("bias").value().toFloats();
        double sum = 0;
        double squares = 0;
        for (float w : weight) {
            assertTrue(Math.abs(w) <= 0.1f);
            sum += w;
            squares += w * w;
        }
        // 20,000 draws of deviation 0.1/√3: four standard errors of the mean, and of the mean of squares (0.01·√(4/45)).
        assertEquals(0, sum / weight.length, 4 * 0.1 / Math.sqrt(3.0 * weight.length));
        assertEquals(0.01 / 3, squares / weight.length, 4 * 0.01 * Math.sqrt(4.0 / 45 / weight.length));
        for (float b : bias) {
            assertTrue(Math.abs(b) <= 0.1f);
        }
        assertEquals(200, bias.length);
    }

    @Test
    void layerNormStartsAsPlainNormalisation() {
        try (Tape tape = Tape.evaluation(workspace)) {
            Variable x = tape.constant(Tensor.of(backend, new float[] {1, 3}, 1, 2));
            float[] y = LayerNorm.of(backend, 2).forward(x).value().toFloats();
            float expected = (float) (1 / Math.sqrt(1 + 1e-5));
            assertArrayEquals(new float[] {-expected, expected}, y, 2 * Math.ulp(expected));
        }
    }

    @Test
    void sequentialAppliesItsLayersInOrder() {
        Linear first = linear(3, 2);
        Linear last = linear(2, 4);
        Sequential both = new Sequential(first, Variable::tanh, new Dropout(0.5), last);
        assertEquals(List.of("0.weight", "0.bias", "3.weight", "3.bias"), List.copyOf(both.parameters().keySet()));
        try (Tape tape = Tape.evaluation(workspace)) {
            Variable x = tape.constant(source.normal(5, 3));
            assertArrayEquals(last.forward(first.forward(x).tanh()).value().toDoubles(),
                    both.forward(x).value().toDoubles());
            assertSame(x, new Sequential().forward(x));
        }
    }

    @Test
    void layerNormHasMeanBetaAndDeviationGamma() {
        LayerNorm norm = new LayerNorm(Tensor.of(backend, DType.F64, new double[] {2, 2, 2, 2}, 4),
                Tensor.of(backend, DType.F64, new double[] {5, 5, 5, 5}, 4), 0);
        try (Tape tape = Tape.evaluation(workspace)) {
            double[] y = norm.forward(tape.constant(source.normal(3, 4))).value().toDoubles();
            for (int row = 0; row < 3; row++) {
                double[] r = Arrays.copyOfRange(y, 4 * row, 4 * row + 4);
                double mean = Arrays.stream(r).sum() / 4;
                assertEquals(5, mean, 1e-14);
                assertEquals(4, Arrays.stream(r).map(v -> (v - mean) * (v - mean)).sum() / 4, 1e-13);
            }
        }
    }

    // ---- dropout

    private static final int N = 10_000;

    /** Output of dropout at rate p on ones, and its gradient for dy of ones. */
    private double[][] dropped(double p, long seed) {
        try (Tape tape = Tape.recording(workspace, Rng.of(seed))) {
            Tensor ones = Tensor.zeros(backend, DType.F64, N);
            ones.kernels().fill(ones.storage(), N, 1);
            Parameter x = new Parameter(ones);
            Variable y = new Dropout(p).forward(x.on(tape));
            double[] output = y.value().toDoubles();
            tape.backward(tape.apply(new Sum(null, false), y));
            return new double[][] {output, x.gradient().toDoubles()};
        }
    }

    @Test
    void dropoutKeepsTheMeanAndDropsAtItsRate() {
        for (double p : new double[] {0.1, 0.5}) {
            double[] y = dropped(p, 1)[0];
            long zeros = Arrays.stream(y).filter(v -> v == 0).count();
            assertEquals(N * p, zeros, 4 * Math.sqrt(N * p * (1 - p)), "four standard deviations of the binomial");
            assertTrue(Arrays.stream(y).allMatch(v -> v == 0 || v == 1 / (1 - p)),
                    "the others are scaled by 1/(1 − p)");
        }
    }

    @Test
    void dropoutsGradientHasTheMaskOfItsOutput() {
        double[][] yAndGradient = dropped(0.3, 1);
        assertArrayEquals(yAndGradient[0], yAndGradient[1]);
    }

    @Test
    void dropoutDependsOnTheSeedAlone() {
        assertArrayEquals(dropped(0.3, 1)[0], dropped(0.3, 1)[0]);
        assertFalse(Arrays.equals(dropped(0.3, 1)[0], dropped(0.3, 2)[0]));
        try (Tape tape = Tape.recording(workspace, Rng.of(1))) {
            assertNotEquals(tape.nextSeed(), tape.nextSeed(), "each application has its own");
        }
    }

    @Test
    void dropoutIsOffInEvaluationAndAtRateZero() {
        try (Tape tape = Tape.evaluation(workspace); Tape recording = Tape.recording(workspace, Rng.of(1))) {
            Variable x = tape.constant(source.normal(3));
            Variable y = recording.constant(source.normal(3));
            assertSame(x, new Dropout(0.5).forward(x));
            assertSame(y, new Dropout(0).forward(y));
            assertNotSame(y, new Dropout(0.5).forward(y));
            assertEquals(0, tape.dropoutRate(0.5));
            assertEquals(0.5, recording.dropoutRate(0.5));
        }
        assertEquals("dropout: rate 1.0 is outside [0, 1)",
                assertThrows(IllegalArgumentException.class, () -> new Dropout(1)).getMessage());
    }
}
