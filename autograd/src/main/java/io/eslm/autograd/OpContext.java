// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd;

import io.eslm.tensor.Checks;
import io.eslm.tensor.DType;
import io.eslm.tensor.Shape;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.Kernels;
import io.eslm.tensor.backend.Storage;
import io.eslm.tensor.backend.Workspace;
import java.util.ArrayList;
import java.util.List;

/**
 * One application of an {@link Op}: its inputs and output, its memory, what it saved, and where its gradients go. Memory is
 * reused from step to step; an op never frees anything itself. What was acquired in the forward pass and neither saved nor
 * returned is reused at once, the rest after this op's backward pass; what was acquired in the backward pass is reused after
 * it unless it became a gradient.
 */
public final class OpContext {
    /** Where an op writes an input's gradient in full: {@code +=} if {@code accumulate}, else {@code =}. */
    public record Slot(Tensor tensor, boolean accumulate) {
        public Storage storage() {
            return tensor.storage();
        }
    }

    /** A gradient that waits for the end of the op's backward pass to be added to input {@code i}. */
    private record Pending(int i, Tensor dx, Rows rows) {
    }

    private final Op op;
    private final Tape tape;
    private final Workspace workspace;
    private final Variable[] inputs;
    private final List<Tensor> saved = new ArrayList<>(4);
    /** Storages that this application must give back. */
    private final List<Storage> owned = new ArrayList<>(4);
    private final List<Storage> temporary = new ArrayList<>(4);
    private final List<Pending> pending = new ArrayList<>(0);
    private Variable output;
    private Rows rows;

    OpContext(Op op, Tape tape, Variable[] inputs) {
        this.op = op;
        this.tape = tape;
        this.workspace = tape.workspace();
        this.inputs = inputs.clone();
    }

    // ---- for both passes

    public Kernels kernels() {
        return workspace.backend().kernels();
    }

    /** Name of the op, for messages. */
    public String name() {
        return op.name();
    }

    public int inputCount() {
        return inputs.length;
    }

    public Tensor input(int i) {
        return inputs[i].value();
    }

    /** Memory of the given shape, contents undefined. */
    public Tensor acquire(DType type, Shape shape) {
        Storage s = workspace.acquire(type, shape.size());
        temporary.add(s);
        return new Tensor(workspace.backend(), s, shape);
    }

    /** Memory of the given shape and the type of input 0, contents undefined. */
    public Tensor acquire(int... dims) {
        return acquire(input(0).dtype(), Shape.of(dims));
    }

    /** Memory like {@code t}, contents undefined. */
    public Tensor acquireLike(Tensor t) {
        return acquire(t.dtype(), t.shape());
    }

    /** A scalar of the type of input 0. */
    public Tensor acquireScalar(double value) {
        Tensor t = acquire(input(0).dtype(), Shape.of());
        kernels().fill(t.storage(), 1, value);
        return t;
    }

    // ---- forward

    /** Keeps tensors for the backward pass, where {@link #saved} returns them in this order. */
    public void save(Tensor... tensors) {
        saved.addAll(List.of(tensors));
    }

    Variable forward() {
        Tensor[] values = new Tensor[inputs.length];
        boolean needs = false;
        for (int i = 0; i < inputs.length; i++) {
            values[i] = inputs[i].value();
            Checks.sameBackend(op.name(), workspace.backend(), values[i].backend());
            Checks.sameType(op.name(), values[0].dtype(), values[i].dtype());
            needs |= inputs[i].needsGradient();
        }
        Tensor y = op.forward(this, values);
        boolean keep = tape.recording() && needs;
        for (Storage s : temporary) {
            if (s == y.storage() || keep && isSaved(s)) {
                owned.add(s);
            } else {
                workspace.release(s);
            }
        }
        temporary.clear();
        if (!keep) {
            saved.clear();
        }
        output = new Variable(tape, y, keep);
        return output;
    }

    boolean made(Variable y) {
        return output == y;
    }

    private boolean isSaved(Storage s) {
        for (Tensor t : saved) {
            if (t.storage() == s) {
                return true;
            }
        }
        return false;
    }

    // ---- backward

    public Tensor saved(int i) {
        return saved.get(i);
    }

    /** The forward pass's output. */
    public Tensor output() {
        return output.value();
    }

    /** True if input {@code i} takes a gradient. */
    public boolean needs(int i) {
        return i < inputs.length && inputs[i].needsGradient();
    }

    /** The rows that dy holds, or null if it holds all. */
    public Rows rows() {
        return rows;
    }

    /** {@code t} (total, cols), or those of its rows that dy holds; not to be written to. */
    public Tensor ofRows(Tensor t) {
        if (rows == null) {
            return t;
        }
        Tensor y = acquire(t.dtype(), rows.shapeIn(t.shape()));
        kernels().gatherRows(y.storage(), t.storage(), rows.indices().storage(), rows.count(), y.dim(1));
        return y;
    }

    /** {@code dy} with all rows; from now on {@link #rows} is null. For ops that are row-wise in some cases only. */
    public Tensor allRows(Tensor dy) {
        if (rows == null) {
            return dy;
        }
        Tensor full = expand(dy, rows, output.shape());
        rows = null;
        return full;
    }

    /** The gradient of input {@code i}, all of it whatever {@link #rows} says: for weights, to be written in full. */
    public Slot gradient(int i) {
        return slot(i, null);
    }

    /** The gradient of those rows of input {@code i} that dy holds, to be written in full. */
    public Slot gradientOfRows(int i) {
        return slot(i, rows);
    }

    /** The gradient of input {@code i}, all of it, zero if none has arrived, to be added to by the op. */
    public Tensor sumInto(int i) {
        Slot slot = gradient(i);
        if (!slot.accumulate()) {
            kernels().fill(slot.storage(), slot.tensor().size(), 0);
        }
        return slot.tensor();
    }

    /**
     * Adds {@code dx}, the gradient of those rows of input {@code i} that dy holds, if that input needs it. Memory acquired
     * in this pass, and dy, may be moved, not copied: the op must not write to {@code dx} afterwards.
     */
    public void accumulate(int i, Tensor dx) {
        accumulateRows(i, dx, rows);
    }

    /** {@link #accumulate} for a gradient that reaches all rows of the input whatever dy holds. */
    public void accumulateAll(int i, Tensor dx) {
        accumulateRows(i, dx, null);
    }

    /** {@link #accumulate} of a gradient that is zero outside the rows {@code of}; null means that it has all. */
    public void accumulateRows(int i, Tensor dx, Rows of) {
        if (needs(i)) {
            add(inputs[i], dx, of);
        }
    }

    /** Runs the backward pass if a gradient has arrived, then frees what it acquired. */
    void backward() {
        if (output.gradient == null) {
            return;
        }
        Tensor dy = output.gradient;
        rows = output.gradientRows;
        output.gradient = null;
        temporary.add(dy.storage());
        if (rows != null && !(op.rowwise() && rows.total() == input(0).shape().rows())) {
            dy = allRows(dy);
        }
        op.backward(this, dy);
        for (Pending p : pending) {
            add(inputs[p.i], p.dx, p.rows);
        }
        pending.clear();
        temporary.forEach(workspace::release);
        temporary.clear();
    }

    /**
     * Memory of its own where the gradient cannot be written in place: other rows than those that have arrived, or a
     * variable that is an input twice, of which the op may write one gradient while it reads neither.
     */
    private Slot slot(int i, Rows of) {
        assert needs(i) : op.name() + ": input " + i + " takes no gradient";
        Variable x = inputs[i];
        if (!isRepeated(x)) {
            if (x instanceof Parameter p) {
                if (of == null) {
                    return new Slot(p.buffer(), p.claimGradient());
                }
            } else if (x.gradient == null) {
                adopt(x, acquire(x.value().dtype(), gradientShape(x, of)), of);
                return new Slot(x.gradient, false);
            } else {
                if (of == null) {
                    completeGradient(x);
                }
                if (x.gradientRows == of) {
                    return new Slot(x.gradient, true);
                }
            }
        }
        Tensor dx = acquire(x.value().dtype(), gradientShape(x, of));
        pending.add(new Pending(i, dx, of));
        return new Slot(dx, false);
    }

    private boolean isRepeated(Variable x) {
        int n = 0;
        for (Variable input : inputs) {
            n += input == x ? 1 : 0;
        }
        return n > 1;
    }

    private void add(Variable x, Tensor dx, Rows of) {
        if (x instanceof Parameter p) {
            boolean had = p.claimGradient();
            addTo(p.buffer(), had, dx, of);
        } else if (x.gradient == null && temporary.contains(dx.storage())) {
            adopt(x, dx.reshape(gradientShape(x, of).dims()), of);
        } else if (x.gradient == null) {
            adopt(x, acquire(x.value().dtype(), gradientShape(x, of)), of);
            kernels().copy(x.gradient.storage(), dx.storage(), dx.size());
        } else if (x.gradientRows == of) {
            kernels().axpby(x.gradient.storage(), dx.storage(), dx.size(), 1, 1);
        } else {
            completeGradient(x);
            addTo(x.gradient, true, dx, of);
        }
    }

    /** full += dx, or = without {@code had}; dx is zero outside the rows {@code of}. */
    private void addTo(Tensor full, boolean had, Tensor dx, Rows of) {
        if (of == null) {
            kernels().axpby(full.storage(), dx.storage(), dx.size(), 1, had ? 1 : 0);
        } else {
            if (!had) {
                kernels().fill(full.storage(), full.size(), 0);
            }
            of.scatterAdd(kernels(), full, dx);
        }
    }

    private static Shape gradientShape(Variable x, Rows of) {
        return of == null ? x.shape() : of.shapeIn(x.shape());
    }

    /** Makes {@code t}, acquired in this pass, the gradient of {@code x}; frees the one before. */
    private void adopt(Variable x, Tensor t, Rows of) {
        if (x.gradient != null) {
            temporary.add(x.gradient.storage());
        }
        temporary.remove(t.storage());
        x.gradient = t;
        x.gradientRows = of;
    }

    private void completeGradient(Variable x) {
        if (x.gradientRows != null) {
            adopt(x, expand(x.gradient, x.gradientRows, x.shape()), null);
        }
    }

    private Tensor expand(Tensor compact, Rows of, Shape shape) {
        Tensor full = acquire(compact.dtype(), shape);
        addTo(full, false, compact, of);
        return full;
    }

    /** Gives back all memory of this application but {@code kept}, which may be null; true if it owns that. */
    boolean releaseExcept(Storage kept) {
        boolean keeps = owned.remove(kept);
        owned.forEach(workspace::release);
        owned.clear();
        saved.clear();
        if (keeps) {
            owned.add(kept);
        }
        if (output.gradient != null) {
            workspace.release(output.gradient.storage());
            output.gradient = null;
        }
        return keeps;
    }
}
