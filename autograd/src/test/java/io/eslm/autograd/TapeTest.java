// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.eslm.autograd.check.GradCheck;
import io.eslm.autograd.check.Sample;
import io.eslm.autograd.check.SampleSource;
import io.eslm.autograd.op.Add;
import io.eslm.autograd.op.Affine;
import io.eslm.autograd.op.CausalAttention;
import io.eslm.autograd.op.LayerNorm;
import io.eslm.autograd.op.MatMul;
import io.eslm.autograd.op.TokenEmbedding;
import io.eslm.autograd.op.WeightedSum;
import io.eslm.autograd.op.basic.Div;
import io.eslm.autograd.op.basic.Gelu;
import io.eslm.autograd.op.basic.Mul;
import io.eslm.autograd.op.basic.Reshape;
import io.eslm.autograd.op.basic.Scale;
import io.eslm.autograd.op.basic.Softmax;
import io.eslm.autograd.op.basic.Square;
import io.eslm.autograd.op.basic.Sub;
import io.eslm.autograd.op.basic.Sum;
import io.eslm.autograd.op.basic.Tanh;
import io.eslm.tensor.DType;
import io.eslm.tensor.Rng;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import io.eslm.tensor.backend.Workspace;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.DoubleStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** How gradients flow and add up between ops, and what lives how long. */
class TapeTest {
    private final Backend backend = Backends.open("scalar", 1);
    private final SampleSource source = new SampleSource(backend, DType.F64, Rng.of(11));
    private final PoisonedWorkspace workspace = new PoisonedWorkspace(backend);

    @AfterEach
    void everythingIsReleased() {
        assertEquals(0, workspace.inUse(), "storages not released");
        backend.close();
    }

    private void gradCheck(List<Tensor> inputs, Sample.Composed f) {
        GradCheck.check("function", inputs, f, Rng.of(12));
        double[] w = GradCheck.weights(GradCheck.output(workspace, inputs, f).length, Rng.of(12));
        GradCheck.Result clean = GradCheck.run(new Workspace(backend), inputs, f, w);
        GradCheck.Result poisoned = GradCheck.run(workspace, inputs, f, w);
        for (int i = 0; i < inputs.size(); i++) {
            assertArrayEquals(clean.gradients().get(i), poisoned.gradients().get(i));
        }
    }

    private Variable kept(Tape tape, Variable x, int total, int... rows) {
        int cols = x.value().size() / total;
        Tensor weights = new SampleSource(backend, DType.F64, Rng.of(rows.length)).normal(rows.length, cols);
        return tape.apply(new WeightedSum(new Rows(source.indices(rows), total), weights), x);
    }

    // ---- one variable, many uses

    @Test
    void aVariableMayBeSeveralInputsOfOneOp() {
        List<Tensor> square = List.of(source.positive(3, 3));
        gradCheck(square, (tape, v) -> tape.apply(new Add(), v[0], v[0]));
        gradCheck(square, (tape, v) -> tape.apply(new Sub(), v[0], v[0]));
        gradCheck(square, (tape, v) -> tape.apply(new Mul(), v[0], v[0]));
        gradCheck(square, (tape, v) -> tape.apply(new Div(), v[0], v[0]));
        gradCheck(square, (tape, v) -> tape.apply(new MatMul(true, false), v[0], v[0]));
        gradCheck(List.of(source.normal(3, 3), source.normal(3)),
                (tape, v) -> tape.apply(new Affine(), v[0], v[0], v[1], v[0]));
        gradCheck(List.of(source.normal(4)), (tape, v) -> tape.apply(new LayerNorm(0.1), v[0], v[0], v[0]));
        gradCheck(List.of(source.normal(4, 3)), (tape, v) -> tape.apply(new TokenEmbedding(source.indices(1, 3, 1, 0)
                .reshape(2, 2), 0), v[0], v[0]));
    }

    @Test
    void aParameterMayBeSeveralInputsOfOneOp() {
        Parameter p = new Parameter(source.normal(3, 3));
        Tensor w = source.normal(3, 3);
        GradCheck.Result leaf = GradCheck.run(workspace, List.of(p.value()),
                (tape, v) -> tape.apply(new MatMul(), v[0], v[0]), w.toDoubles());
        try (Tape tape = Tape.recording(workspace, Rng.of(0))) {
            tape.backward(tape.apply(new WeightedSum(null, w), tape.apply(new MatMul(), p, p)));
        }
        assertArrayEquals(leaf.gradients().getFirst(), p.gradient().toDoubles());
    }

    /** Compact on compact of the same rows, of others, on full; and full on compact: in every order of two branches. */
    @Test
    void compactAndFullGradientsMeetInOneVariable() {
        List<Tensor> x = List.of(source.normal(4, 3));
        Tensor square = source.normal(3, 3);
        Sample.Composed some = (tape, v) -> kept(tape, v[0], 4, 0, 2);
        Sample.Composed others = (tape, v) -> kept(tape, v[0], 4, 1, 2, 3);
        Sample.Composed none = (tape, v) -> kept(tape, v[0], 4);
        Sample.Composed all = (tape, v) -> tape.apply(new Sum(null, false), tape.apply(new Square(), v[0]));
        List<Sample.Composed> losses = List.of(some, others, none, all);
        for (Sample.Composed first : losses) {
            for (Sample.Composed second : losses) {
                gradCheck(x, (tape, v) -> {
                    Variable h = tape.apply(new Tanh(), v[0]);
                    Variable w = tape.constant(square);
                    Variable moved = second.apply(tape, tape.apply(new Gelu(), h));
                    Variable written = second.apply(tape, tape.apply(new MatMul(), h, w));
                    Variable sum = tape.apply(new Add(), first.apply(tape, h), tape.apply(new Add(), moved, written));
                    return tape.apply(new Add(), sum, first.apply(tape, v[0]));
                });
            }
        }
    }

    // ---- rows

    /** x + attention(norm(x)), then x + mlp(norm(x)): row-wise ops in chains and forks, of which attention widens dk, dv. */
    private static Variable block(Tape tape, Variable... v) {
        return block(tape, qkv -> tape.apply(new CausalAttention(2, 2, 0, 0), qkv), v);
    }

    private static Variable block(Tape tape, UnaryOperator<Variable> attention, Variable... v) {
        Variable h = tape.apply(new LayerNorm(1e-5), v[0], v[1], v[2]);
        Variable attended = attention.apply(tape.apply(new Affine(), h, v[3], v[4]));
        Variable x = tape.apply(new Affine(), attended, v[5], v[2], v[0]);
        Variable n = tape.apply(new LayerNorm(1e-5), x, v[1], v[2]);
        return tape.apply(new Affine(), tape.apply(new Affine(true), n, v[3], v[4]), v[6], v[2], x);
    }

    private List<Tensor> blockInputs() {
        return List.of(source.normal(6, 4), source.normal(4), source.normal(4), source.normal(4, 12), source.normal(12),
                source.normal(4, 4), source.normal(12, 4));
    }

    @Test
    void someRowsOfABlockGiveWhatAllRowsWithZerosGive() {
        OpTest.assertRowLaw("block", blockInputs(), TapeTest::block, new int[] {1, 2, 5}, 6);
        OpTest.assertRowLaw("two blocks", blockInputs(), (tape, v) -> {
            Variable[] second = v.clone();
            second[0] = block(tape, v);
            return block(tape, second);
        }, new int[] {0, 4}, 6);
        OpTest.assertRowLaw("ops that are row-wise in some cases", blockInputs(), (tape, v) -> {
            Variable x = tape.apply(new Add(), tape.apply(new Softmax(), v[0]), v[1]);
            Variable y = tape.apply(Reshape.of(6, 4), tape.apply(new Mul(), tape.apply(Reshape.of(2, 3, 4), x), v[2]));
            return tape.apply(new Div(), y, tape.apply(new Add(), tape.apply(new Square(), x), v[1]));
        }, new int[] {0, 4}, 6);
    }

    /** The definition: keys and values of the other rows are constants. Sums of up to 12 terms, in another order. */
    @Test
    void attentionThatKeepsToItsRowsTakesTheOthersAsConstants() {
        int[] rows = {1, 2, 5};
        double[] mask = new double[6];
        for (int row : rows) {
            mask[row] = 1;
        }
        Tensor keeps = Tensor.of(backend, DType.F64, mask, 6, 1);
        Tensor drops = Tensor.of(backend, DType.F64, DoubleStream.of(mask).map(m -> 1 - m).toArray(), 6, 1);
        Sample.Composed kept = (tape, v) -> kept(tape, twice(tape,
                qkv -> tape.apply(new CausalAttention(2, 2, 0, 0, null, true), qkv), v), 6, rows);
        Sample.Composed defined = (tape, v) -> kept(tape, twice(tape, qkv -> {
            Variable own = tape.apply(new Mul(), qkv, tape.constant(keeps));
            Variable others = tape.apply(new Mul(), tape.constant(constant(qkv)), tape.constant(drops));
            return tape.apply(new CausalAttention(2, 2, 0, 0), tape.apply(new Add(), own, others));
        }, v), 6, rows);
        List<Tensor> inputs = blockInputs();
        GradCheck.Result ours = GradCheck.run(workspace, inputs, kept, new double[] {1});
        GradCheck.Result theirs = GradCheck.run(new Workspace(backend), inputs, defined, new double[] {1});
        for (int i = 0; i < inputs.size(); i++) {
            assertArrayEquals(theirs.gradients().get(i), ours.gradients().get(i), 1e-12, "input " + i);
        }
        assertEquals(0, ours.gradients().getFirst()[0], 0, "a row that is not kept has no gradient");
    }

    private Tensor constant(Variable x) {
        return Tensor.of(backend, DType.F64, x.value().toDoubles(), x.shape().dims());
    }

    private static Variable twice(Tape tape, UnaryOperator<Variable> attention, Variable... v) {
        Variable[] second = v.clone();
        second[0] = block(tape, attention, v);
        return block(tape, attention, second);
    }

    @Test
    void aBlockIsDifferentiable() {
        gradCheck(blockInputs(), (tape, v) -> kept(tape, block(tape, v), 6, 1, 2, 5));
    }

    /** Notes the rows that its backward pass sees. */
    private record Probe(List<Rows> seen, boolean rowwise) implements Op {
        @Override
        public Tensor forward(OpContext context, Tensor... x) {
            Tensor y = context.acquireLike(x[0]);
            context.kernels().copy(y.storage(), x[0].storage(), y.size());
            return y;
        }

        @Override
        public void backward(OpContext context, Tensor dy) {
            seen.add(context.rows());
            assertEquals(context.rows() == null ? 4 : context.rows().count(), dy.dim(0));
            context.accumulate(0, dy);
        }
    }

    @Test
    void rowsReachRowwiseOpsAndNoOthers() {
        List<Rows> seen = new ArrayList<>();
        Rows rows = new Rows(source.indices(1, 3), 4);
        try (Tape tape = Tape.recording(workspace, Rng.of(0))) {
            Variable x = tape.apply(new Probe(seen, true), new Parameter(source.normal(4, 3)));
            x = tape.apply(new Probe(seen, false), tape.apply(new Gelu(), x));
            x = tape.apply(new Probe(seen, true), tape.apply(new Softmax(), x));
            tape.backward(tape.apply(new WeightedSum(rows, source.normal(2, 3)), x));
        }
        assertSame(rows, seen.get(0));
        assertNull(seen.get(1));
        assertNull(seen.get(2), "once expanded, a gradient stays full");
    }

    /** The rows of a vector of M losses are its elements; to an op on its last axis it is one row. */
    @Test
    void rowsOfAVectorAreNotRowsForOpsOnItsAxis() {
        List<Tensor> vector = List.of(source.normal(4), source.normal(4), source.normal(4));
        gradCheck(vector, (tape, v) -> kept(tape, tape.apply(new Softmax(), v[0]), 4, 1, 3));
        gradCheck(vector, (tape, v) -> kept(tape, tape.apply(new LayerNorm(0.1), v), 4, 1, 3));
        gradCheck(vector, (tape, v) -> kept(tape, tape.apply(new Mul(), v[0], v[1]), 4, 1, 3));
    }

    @Test
    void noRowsAtAllGiveZero() {
        try (Tape tape = Tape.recording(workspace, Rng.of(0))) {
            Parameter x = new Parameter(source.normal(4, 3));
            Parameter w = new Parameter(source.normal(3, 2));
            Parameter b = new Parameter(source.normal(2));
            tape.backward(kept(tape, tape.apply(new Affine(), x, w, b), 4));
            assertArrayEquals(new double[12], x.gradient().toDoubles());
            assertArrayEquals(new double[6], w.gradient().toDoubles());
            assertArrayEquals(new double[2], b.gradient().toDoubles());
        }
    }

    // ---- lifetimes

    @Test
    void theLossLivesUntilReset() {
        Tape tape = Tape.recording(workspace, Rng.of(0));
        Parameter x = new Parameter(source.normal(3));
        Parameter unused = new Parameter(source.normal(3));
        Variable loss = tape.apply(new Scale(2), x).sum().reshape(1);
        double before = loss.item();
        loss.backward();
        assertEquals(before, loss.item(), "a loss that is a view");
        assertArrayEquals(new double[] {2, 2, 2}, x.gradient().toDoubles());
        assertArrayEquals(new double[3], unused.gradient().toDoubles());
        x.on(tape).sum().backward();
        assertArrayEquals(new double[] {3, 3, 3}, x.gradient().toDoubles(), "a second loss adds");
        tape.reset();
        assertEquals(0, workspace.inUse());
    }

    @Test
    void aTapeThatNeverRanBackwardReleasesEverything() {
        try (Tape tape = Tape.recording(workspace, Rng.of(0))) {
            Variable h = tape.apply(new LayerNorm(1e-5), new Parameter(source.normal(2, 3)),
                    new Parameter(source.normal(3)), new Parameter(source.normal(3)));
            tape.apply(new Gelu(), h);
            assertNotEquals(0, workspace.inUse());
        }
    }

    @Test
    void scopesKeepTheirResultAlone() {
        try (Tape tape = Tape.evaluation(workspace)) {
            Variable x = tape.apply(new Gelu(), tape.constant(source.normal(2, 3)));
            assertEquals(1, workspace.inUse());
            Variable y = tape.scoped(() -> {
                Variable inner = tape.scoped(() -> tape.apply(new Scale(3), tape.apply(new Tanh(), x)));
                assertEquals(2, workspace.inUse());
                return tape.apply(Reshape.of(6), tape.apply(new Square(), inner));
            });
            assertEquals(2, workspace.inUse(), "x, and the square that y is a view of");
            double[] expected = x.value().toDoubles();
            for (int i = 0; i < expected.length; i++) {
                expected[i] = 9 * Math.tanh(expected[i]) * Math.tanh(expected[i]);
            }
            OpTest.assertClose("y", expected, y.value().toDoubles(), 4 * 0x1p-53);
            assertSame(x, tape.scoped(() -> x));
            assertEquals(2, workspace.inUse());
        }
    }

    @Test
    void aDeepEvaluationNeedsTheMemoryOfOneScope() {
        long[] bytes = new long[2];
        for (int i = 0; i < 2; i++) {
            Workspace fresh = new Workspace(backend);
            try (Tape tape = Tape.evaluation(fresh)) {
                Variable x = tape.constant(source.normal(6, 4));
                for (int layer = 0; layer < (i == 0 ? 2 : 20); layer++) {
                    Variable in = x;
                    x = tape.scoped(() -> tape.apply(new Gelu(), tape.apply(new Softmax(), in)));
                }
            }
            bytes[i] = fresh.allocatedBytes();
        }
        // The outputs of 20 scopes stay, and the memory of one other value: 21 storages instead of 3.
        assertEquals(bytes[0] * 7, bytes[1]);
    }

    @Test
    void mistakesAreNamed() {
        Tape tape = Tape.recording(workspace, Rng.of(0));
        Tape other = Tape.recording(workspace, Rng.of(0));
        Parameter x = new Parameter(source.normal(2));
        assertError("backward: needs a loss of one element, shape is (2)",
                () -> tape.backward(tape.apply(new Scale(1), x)));
        Variable constant = tape.apply(new Sum(null, false), tape.constant(x.value()));
        assertError("backward: the loss depends on no parameter", () -> tape.backward(constant));
        Variable loss = tape.apply(new Sum(null, false), x);
        assertError("backward: the loss was made on another tape", () -> other.backward(loss));
        assertError("backward: this tape does not record; use Tape.recording",
                () -> Tape.evaluation(workspace).backward(loss));
        tape.close();
    }

    private static void assertError(String message, Runnable mistake) {
        assertEquals(message, assertThrows(IllegalArgumentException.class, mistake::run).getMessage());
    }
}
