// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.op.basic;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.eslm.autograd.Op;
import io.eslm.autograd.Parameter;
import io.eslm.autograd.Tape;
import io.eslm.autograd.Variable;
import io.eslm.autograd.check.SampleSource;
import io.eslm.autograd.op.Add;
import io.eslm.autograd.op.Affine;
import io.eslm.autograd.op.CachedAttention;
import io.eslm.autograd.op.CausalAttention;
import io.eslm.autograd.op.Gather;
import io.eslm.autograd.op.HeadCrossEntropy;
import io.eslm.autograd.op.MatMul;
import io.eslm.tensor.DType;
import io.eslm.tensor.Rng;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import io.eslm.tensor.backend.Workspace;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What no comparison with differences shows: values by hand, conventions at kinks, second results, messages. */
class OpValuesTest {
    private final Backend backend = Backends.open("scalar", 1);
    private final SampleSource source = new SampleSource(backend, DType.F64, Rng.of(4));
    private final Workspace workspace = new Workspace(backend);

    @AfterEach
    void close() {
        backend.close();
    }

    private Tensor of(double[] values, int... dims) {
        return Tensor.of(backend, DType.F64, values, dims);
    }

    private double[] apply(Op op, Tensor... inputs) {
        try (Tape tape = Tape.evaluation(workspace)) {
            Variable[] constants = Arrays.stream(inputs).map(tape::constant).toArray(Variable[]::new);
            return tape.apply(op, constants).value().toDoubles();
        }
    }

    private void assertValues(double[] expected, Op op, Tensor... inputs) {
        assertArrayEquals(expected, apply(op, inputs), 1e-15);
    }

    @Test
    void smallExamplesByHand() {
        Tensor x = of(new double[] {1, 2, 3, 4, 5, 6}, 2, 3);
        assertValues(new double[] {0, 1, 2, 3, 4, 5}, new Sub(), x, of(new double[] {1}));
        assertValues(new double[] {1, 1, 1, 4, 2.5, 2}, new Div(), x, of(new double[] {1, 2, 3}, 3));
        assertValues(new double[] {5, 7, 9}, new Sum(0, false), x);
        assertValues(new double[] {2, 5}, new Mean(1, true), x);
        assertValues(new double[] {6}, new Max(null, false), x);
        assertValues(new double[] {1, 4, 2, 5, 3, 6}, Permute.transpose(2), x);
        assertValues(new double[] {2, 3, 5, 6}, new Slice(1, 1, 2), x);
        assertValues(new double[] {4, 5, 6, 4, 5, 6}, new Gather(source.indices(1, 1)), x);
        assertValues(new double[] {1, 2, 3, 1, 4, 5, 6, 4}, new Concat(-1), x, of(new double[] {1, 4}, 2, 1));
        assertValues(new double[] {14, 32, 32, 77}, new MatMul(false, true), x, x);
        assertValues(new double[] {1, 0.5}, new Power(-1), of(new double[] {1, 2}, 2));
        assertValues(new double[] {0, 0, 2}, new Relu(), of(new double[] {-1, 0, 2}, 3));
    }

    @Test
    void theLargestComeWithTheirColumns() {
        Tensor columns = Tensor.of(backend, new int[4], 2, 2);
        assertValues(new double[] {5, 3, 2, 2}, new TopK(2, columns), of(new double[] {3, -1, 5, 2, 2, 2}, 2, 3));
        assertArrayEquals(new int[] {2, 0, 0, 1}, columns.toInts(), "of equal ones the first comes first");
    }

    @Test
    void whatIsNotChosenDoesNotMatter() {
        Tensor bad = of(new double[] {Double.NaN, Double.POSITIVE_INFINITY, 3}, 3);
        Tensor good = of(new double[] {1, 2, Double.NaN}, 3);
        assertValues(new double[] {1, 2, 3}, new Where(source.indices(0, 0, 7)), bad, good);
        try (Tape tape = Tape.evaluation(workspace)) {
            Variable x = tape.constant(of(new double[] {-4, 9, 0}, 3));
            assertArrayEquals(new double[] {-1, 3, 0}, x.sqrt().where(x.ge(0), -1).value().toDoubles());
        }
    }

    @Test
    void infinityIsTheNeutralElementOfLogSumExp() {
        double none = Double.NEGATIVE_INFINITY;
        Tensor x = of(new double[] {none, 1000, none, none}, 2, 2);
        assertValues(new double[] {1000, none}, new LogSumExp(1, false), x);
        try (Tape tape = Tape.recording(workspace, Rng.of(0))) {
            Parameter leaf = new Parameter(x);
            tape.backward(tape.apply(new Sum(null, false), tape.apply(new LogSumExp(1, false), leaf)));
            assertArrayEquals(new double[] {0, 1, 0, 0}, leaf.gradient().toDoubles());
        }
    }

    @Test
    void lossesStayFiniteFarFromZero() {
        Tensor far = of(new double[] {1000, -1000}, 2);
        assertValues(new double[] {1000, 0}, new Softplus(), far);
        assertValues(new double[] {1000}, new BceWithLogits(), far, of(new double[] {0, 1}, 2));
        assertValues(new double[] {0}, new BceWithLogits(), far, of(new double[] {1, 0}, 2));
        assertValues(new double[] {Math.log(2)}, new KlDiv(true), of(new double[] {-Math.log(2), -50}, 1, 2),
                of(new double[] {1, 0}, 1, 2));
    }

    @Test
    void theFirstOfEqualMaximaTakesTheGradient() {
        try (Tape tape = Tape.recording(workspace, Rng.of(0))) {
            Parameter x = new Parameter(of(new double[] {3, 1, 3, 2, 2, 2}, 2, 3));
            tape.backward(tape.apply(new Sum(null, false), tape.apply(new Max(1, false), x)));
            assertArrayEquals(new double[] {1, 0, 0, 1, 0, 0}, x.gradient().toDoubles());
        }
    }

    @Test
    void atItsKinkReluHasNoGradient() {
        try (Tape tape = Tape.recording(workspace, Rng.of(0))) {
            Parameter x = new Parameter(of(new double[] {-1, 0, -0.0, 2}, 4));
            tape.backward(tape.apply(new Sum(null, false), tape.apply(new Relu(), x)));
            assertArrayEquals(new double[] {0, 0, 0, 1}, x.gradient().toDoubles());
        }
    }

    @Test
    void logSoftmaxNeitherOverflowsNorUnderflows() {
        assertValues(new double[] {0, -2000, -1000}, new LogSoftmax(), of(new double[] {1000, -1000, 0}, 3));
    }

    @Test
    void lossAndEntropyComeInNats() {
        Tensor logits = of(new double[] {0, 0, 0, 0, Math.log(3), 0, -1000, -1000}, 2, 4);
        double[] losses = {Math.log(4), -Math.log(0.25)};
        double[] entropies = {Math.log(4), -0.75 * Math.log(0.75) - 0.25 * Math.log(0.25)};
        Tensor entropy = Tensor.zeros(backend, DType.F64, 2);
        assertValues(losses, new CrossEntropy(source.indices(2, 1), entropy), logits);
        assertArrayEquals(entropies, entropy.toDoubles(), 1e-15);
        Tensor headEntropy = Tensor.zeros(backend, DType.F64, 2);
        Tensor identity = of(new double[] {1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1}, 4, 4);
        assertValues(losses, new HeadCrossEntropy(source.indices(2, 1), headEntropy), logits, identity);
        assertArrayEquals(entropies, headEntropy.toDoubles(), 1e-15);
    }

    @Test
    void attentionOverACacheIsCausalAttention() {
        int time = 5;
        Tensor qkv = source.normal(time, 3 * 4);
        double[] expected = apply(new CausalAttention(1, 2, 0, 0), qkv);
        Tensor keys = Tensor.zeros(backend, DType.F64, 1, 2, 7, 2);
        Tensor values = Tensor.zeros(backend, DType.F64, 1, 2, 7, 2);
        int past = 0;
        for (int count : new int[] {3, 1, 1}) {
            double[] y = apply(new CachedAttention(keys, values, past, 2), qkv.rows(past, count));
            assertArrayEquals(Arrays.copyOfRange(expected, 4 * past, 4 * (past + count)), y, 1e-14);
            past += count;
        }
        assertError("cached attention: 1 new positions after 7 do not fit a cache of 7",
                new CachedAttention(keys, values, 7, 2), qkv.rows(0, 1));
    }

    @Test
    void aRaggedShapeIsNamed() {
        assertError("Add: shapes (2, 3) and (2) do not broadcast: axis -1 has 3 and 2",
                new Add(), source.normal(2, 3), source.normal(2));
        assertError("matmul: inner dimensions differ (3 and 2): a (2, 3), b (2, 3). Did you mean b transposed, (3, 2)?",
                new MatMul(), source.normal(2, 3), source.normal(2, 3));
        assertError(
                "matmul: leading axes differ: a (2, 3, 3), b (4, 3, 3); they must be equal, or one of a and b a matrix",
                new MatMul(), source.normal(2, 3, 3), source.normal(4, 3, 3));
        assertError("affine: bias (3) does not fit the 2 columns of w (3, 2)", new Affine(), source.normal(4, 3),
                source.normal(3, 2), source.normal(3));
        assertError("slice: [2, 5) is outside axis 1 of (2, 4)", new Slice(1, 2, 3), source.normal(2, 4));
        assertError("concat: (2, 3) and (3, 3) differ on other axes than 1", new Concat(1), source.normal(2, 3),
                source.normal(3, 3));
    }

    @Test
    void aWrongOptionIsNamed() {
        assertError("var: needs more than 1 elements, was given 1", new Var(1, false, 1), source.normal(2, 1));
        assertError("topk: k 4 is outside [1, 3] for rows of (2, 3)", new TopK(4, source.ids(1, 8)),
                source.normal(2, 3));
        assertError(
                "conv: w (4, 3, 2, 2) does not fit x (1, 2, 5, 5): they need as many axes, and as many channels in axis 1",
                new Conv(1, 0, 1), source.normal(1, 2, 5, 5), source.normal(4, 3, 2, 2));
        assertError("conv: a window of 5 does not fit into (1, 1, 4, 4) with padding 0", new Conv(1, 0, 2),
                source.normal(1, 1, 4, 4), source.normal(1, 1, 3, 3));
        assertError("conv: stride 0 and dilation 1 must be at least 1, padding 0 at least 0", new Conv(0, 0, 1),
                source.normal(1, 1, 4, 4), source.normal(1, 1, 3, 3));
        assertError("rms norm: gamma (2) does not fit the rows of (2, 3)", new RmsNorm(0), source.normal(2, 3),
                source.normal(2));
        assertError("rotary: needs (…, positions, an even number of columns), was given (4, 3)", new Rotary(10, 0),
                source.normal(4, 3));
        assertError("Mse: shapes differ: (2, 3) and (3)", new Mse(), source.normal(2, 3), source.normal(3));
        assertEquals("max pool: padding 2 is more than half of the kernel 3",
                assertThrows(IllegalArgumentException.class, () -> new MaxPool(3, 1, 2)).getMessage());
        assertEquals("embedding bag: id 5 at position 1 is outside [0, 5)",
                assertThrows(IndexOutOfBoundsException.class,
                        () -> apply(new EmbeddingBag(Tensor.of(backend, new int[] {0, 5}, 1, 2), true),
                                source.normal(5, 2)))
                        .getMessage());
    }

    private void assertError(String message, Op op, Tensor... inputs) {
        assertEquals(message, assertThrows(IllegalArgumentException.class, () -> apply(op, inputs)).getMessage());
    }
}
