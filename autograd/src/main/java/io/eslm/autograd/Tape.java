// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd;

import io.eslm.tensor.Checks;
import io.eslm.tensor.DType;
import io.eslm.tensor.Rng;
import io.eslm.tensor.Shape;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Storage;
import io.eslm.tensor.backend.Workspace;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/**
 * Reverse-mode automatic differentiation. A recording tape notes each op that is applied; {@link #backward} walks the notes
 * in reverse and frees activations on the way. An evaluation tape notes nothing, and switches dropout off. Values made on a
 * tape are valid until {@link #reset}; use it once a step.
 */
public final class Tape implements AutoCloseable {
    private final Workspace workspace;
    private final boolean recording;
    private final List<OpContext> applied = new ArrayList<>();
    private final List<Variable> leaves = new ArrayList<>();
    private final List<Storage> lent = new ArrayList<>();
    /** Made the last loss: kept until {@link #reset}, so that the loss can still be read after the backward pass. */
    private OpContext root;
    private Rng rng;

    private Tape(Workspace workspace, boolean recording, Rng rng) {
        this.workspace = workspace;
        this.recording = recording;
        this.rng = rng;
    }

    /** A tape that records, for training; {@code rng} seeds dropout. */
    public static Tape recording(Workspace workspace, Rng rng) {
        return new Tape(workspace, true, rng);
    }

    /** A tape that only computes. */
    public static Tape evaluation(Workspace workspace) {
        return new Tape(workspace, false, null);
    }

    public Workspace workspace() {
        return workspace;
    }

    public Backend backend() {
        return workspace.backend();
    }

    public boolean recording() {
        return recording;
    }

    /** A new seed for one dropout; differs from call to call and is reproducible from the tape's rng. */
    public int nextSeed() {
        Checks.check(rng != null, "tape", "an evaluation tape has no randomness");
        return (int) (rng.nextLong() >>> 32);
    }

    /** A leaf without gradient. */
    public Variable constant(Tensor value) {
        return new Variable(value, false);
    }

    /** A leaf with a gradient, readable with {@link #gradient} after the backward pass. */
    public Variable leaf(Tensor value) {
        Variable leaf = new Variable(value, recording);
        leaves.add(leaf);
        return leaf;
    }

    /** Memory that lives until {@link #reset}; contents undefined. */
    public Tensor memory(DType type, int... dims) {
        Shape shape = Shape.of(dims);
        Storage s = workspace.acquire(type, shape.size());
        lent.add(s);
        return new Tensor(backend(), s, shape);
    }

    /** {@code values} as an I32 tensor that lives until {@link #reset}. */
    public Tensor put(int[] values, int... dims) {
        Tensor t = memory(DType.I32, dims);
        backend().write(t.storage(), values, 0, t.size());
        return t;
    }

    /** {@code values} as an F32 tensor that lives until {@link #reset}. */
    public Tensor put(float[] values, int... dims) {
        Tensor t = memory(DType.F32, dims);
        backend().write(t.storage(), values, 0, t.size());
        return t;
    }

    /** Applies {@code op} and records it if a gradient may be asked for. */
    public Variable apply(Op op, Variable... inputs) {
        OpContext context = new OpContext(op, workspace, inputs, recording);
        Variable y = context.forward();
        applied.add(context);
        return y;
    }

    /**
     * Runs {@code body} and returns its result. On an evaluation tape all other values made in it are freed, so that a deep
     * model needs the memory of one block.
     */
    public Variable scoped(Supplier<Variable> body) {
        int mark = applied.size();
        Variable y = body.get();
        if (!recording) {
            OpContext made = null;
            for (int i = applied.size() - 1; i >= mark; i--) {
                OpContext c = applied.remove(i);
                if (c.made(y)) {
                    made = c;
                } else {
                    c.release();
                }
            }
            if (made != null) {
                applied.add(made);
            }
        }
        return y;
    }

    /** Adds d{@code loss}/d{@code p} to the gradient of every parameter p; {@code loss} has one element. */
    public void backward(Variable loss) {
        Checks.check(recording, "backward", "this tape does not record; use Tape.recording");
        Checks.check(loss.value().size() == 1, "backward", "needs a loss of one element, shape is %s", loss.shape());
        Checks.check(loss.needsGradient(), "backward", "the loss depends on no parameter");
        Tensor one = new Tensor(backend(), workspace.acquire(loss.value().dtype(), 1), loss.shape());
        backend().kernels().fill(one.storage(), 1, 1);
        loss.gradient = one;
        loss.gradientRows = null;
        for (int i = applied.size() - 1; i >= 0; i--) {
            OpContext c = applied.get(i);
            c.backward();
            if (c.made(loss)) {
                root = c;
            } else {
                c.release();
            }
        }
        applied.clear();
    }

    /** The gradient of a {@link #leaf} after {@link #backward}, full size; null if none arrived. */
    public Tensor gradient(Variable leaf) {
        if (leaf.gradient != null && leaf.gradientRows != null) {
            Rows r = leaf.gradientRows;
            Tensor full = Tensor.zeros(backend(), leaf.value().dtype(), leaf.shape().dims());
            full.kernels().scatterAddRows(full.storage(), leaf.gradient.storage(), r.indices().storage(), r.count(),
                    leaf.shape().size() / r.total());
            return full;
        }
        return leaf.gradient;
    }

    /** Frees everything made on this tape. */
    public void reset() {
        applied.forEach(OpContext::release);
        applied.clear();
        if (root != null) {
            root.release();
            root = null;
        }
        for (Variable leaf : leaves) {
            if (leaf.gradient != null) {
                workspace.release(leaf.gradient.storage());
            }
        }
        leaves.clear();
        lent.forEach(workspace::release);
        lent.clear();
    }

    /** {@link #reset}, with the randomness of the next step. */
    public void reset(Rng next) {
        reset();
        rng = next;
    }

    @Override
    public void close() {
        reset();
    }
}
