// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.nn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
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
        private final Embedding table = part("table", new Embedding(source.normal(4, 2)));
        private final List<Linear> layers = parts("layers", List.of(linear(2, 3), linear(3, 2)));
        private final Parameter scale = parameter("scale", new Parameter(source.normal(2)));
        private final Embedding head = part("head", new Embedding(source.normal(1, 2)));

        Tree(boolean clash) {
            parameter(clash ? "scale" : "tied", table.weight());
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
        assertSame(tree.table.weight(), tree.parameters().get("table.weight"));
        assertSame(tree.scale, tree.parameters().get("scale"));
        assertSame(tree.head.weight(), tree.parameters().get("head.weight"));
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
                tape.backward(tape.apply(new Sum(null, false), linear.forward(tape, x)));
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
            assertArrayEquals(new double[] {14, 26}, linear.forward(tape, x).value().toDoubles());
            assertArrayEquals(new double[] {15, 27}, linear.forward(tape, x, x).value().toDoubles());
            assertArrayEquals(new double[] {14, 26}, linear.forwardGelu(tape, x).value().toDoubles(), 1e-12,
                    "gelu(x) is x far to the right");
        }
    }

    @Test
    void layerNormHasMeanBetaAndDeviationGamma() {
        LayerNorm norm = new LayerNorm(Tensor.of(backend, DType.F64, new double[] {2, 2, 2, 2}, 4),
                Tensor.of(backend, DType.F64, new double[] {5, 5, 5, 5}, 4), 0);
        try (Tape tape = Tape.evaluation(workspace)) {
            double[] y = norm.forward(tape, tape.constant(source.normal(3, 4))).value().toDoubles();
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
            Variable x = tape.leaf(ones);
            Variable y = new Dropout(p).forward(tape, x);
            double[] output = y.value().toDoubles();
            tape.backward(tape.apply(new Sum(null, false), y));
            return new double[][] {output, tape.gradient(x).toDoubles()};
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
            assertTrue(new Dropout(0.5).inactive(tape));
            assertSame(x, new Dropout(0.5).forward(tape, x));
            assertSame(x, new Dropout(0).forward(recording, x));
            assertFalse(new Dropout(0.5).inactive(recording));
        }
        assertEquals("dropout: rate 1.0 is outside [0, 1)",
                assertThrows(IllegalArgumentException.class, () -> new Dropout(1)).getMessage());
    }
}
