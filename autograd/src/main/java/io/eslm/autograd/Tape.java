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
    /** Given back at {@link #reset}: memory handed out, and losses, which can be read after the backward pass. */
    private final List<Storage> held = new ArrayList<>();
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
        return new Variable(this, value, false);
    }

    /** A leaf with a gradient, readable with {@link #gradient} after the backward pass. */
    public Variable leaf(Tensor value) {
        Variable leaf = new Variable(this, value, recording);
        leaves.add(leaf);
        return leaf;
    }

    /** Memory that lives until {@link #reset}; contents undefined. */
    public Tensor memory(DType type, int... dims) {
        Shape shape = Shape.of(dims);
        Storage s = workspace.acquire(type, shape.size());
        held.add(s);
        return new Tensor(backend(), s, shape);
    }

    /** The first {@code values} that fill the shape, as an I32 tensor that lives until {@link #reset}. */
    public Tensor put(int[] values, int... dims) {
        Tensor t = memory(DType.I32, dims);
        backend().write(t.storage(), values, 0, t.size());
        return t;
    }

    /** The first {@code values} that fill the shape, as an F32 tensor that lives until {@link #reset}. */
    public Tensor put(float[] values, int... dims) {
        Tensor t = memory(DType.F32, dims);
        backend().write(t.storage(), values, 0, t.size());
        return t;
    }

    /** Applies {@code op} and records it if a gradient may be asked for. */
    public Variable apply(Op op, Variable... inputs) {
        OpContext context = new OpContext(op, this, inputs);
        Variable y = context.forward();
        applied.add(context);
        return y;
    }

    /**
     * Runs {@code body} and returns its result. On an evaluation tape all other values made in it are freed, so that a deep
     * model needs the memory of one block, and of one result for each.
     */
    public Variable scoped(Supplier<Variable> body) {
        int mark = applied.size();
        Variable y = body.get();
        if (!recording) {
            List<OpContext> inner = applied.subList(mark, applied.size());
            inner.removeIf(c -> !c.releaseExcept(y.value().storage()));
        }
        return y;
    }

    /** Adds d{@code loss}/d{@code p} to the gradient of every parameter p; {@code loss} has one element. */
    public void backward(Variable loss) {
        Checks.check(recording, "backward", "this tape does not record; use Tape.recording");
        Checks.check(loss.value().size() == 1, "backward", "needs a loss of one element, shape is %s", loss.shape());
        Checks.check(loss.needsGradient(), "backward", "the loss depends on no parameter");
        Checks.check(applied.stream().anyMatch(c -> c.made(loss)), "backward", "the loss was not made on this tape");
        Storage one = workspace.acquire(loss.value().dtype(), 1);
        backend().kernels().fill(one, 1, 1);
        loss.gradient = new Tensor(backend(), one, loss.shape());
        Storage kept = loss.value().storage();
        for (int i = applied.size() - 1; i >= 0; i--) {
            OpContext c = applied.get(i);
            c.backward();
            applied.removeLast();
            if (c.releaseExcept(kept)) {
                held.add(kept);
            }
        }
    }

    /** The gradient of a {@link #leaf} after {@link #backward}, in full, valid until {@link #reset}; null if none arrived. */
    public Tensor gradient(Variable leaf) {
        Checks.check(leaves.contains(leaf), "gradient", "not a leaf of this tape");
        if (leaf.gradient != null && leaf.gradientRows != null) {
            Storage compact = leaf.gradient.storage();
            Storage full = workspace.acquire(leaf.value().dtype(), leaf.value().size());
            backend().kernels().fill(full, leaf.value().size(), 0);
            Tensor gradient = new Tensor(backend(), full, leaf.shape());
            leaf.gradientRows.scatterAdd(backend().kernels(), gradient, leaf.gradient);
            leaf.gradient = gradient;
            leaf.gradientRows = null;
            workspace.release(compact);
        }
        return leaf.gradient;
    }

    /** Frees everything made on this tape. */
    public void reset() {
        applied.forEach(c -> c.releaseExcept(null));
        applied.clear();
        held.forEach(workspace::release);
        held.clear();
        for (Variable leaf : leaves) {
            if (leaf.gradient != null) {
                workspace.release(leaf.gradient.storage());
                leaf.gradient = null;
            }
        }
        leaves.clear();
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
