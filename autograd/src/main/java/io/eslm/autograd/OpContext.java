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
    /** Where an op writes an input's gradient: {@code +=} if {@code accumulate}, else {@code =}. */
    public record Slot(Tensor tensor, boolean accumulate) {
        public Storage storage() {
            return tensor.storage();
        }
    }

    private final Op op;
    private final Workspace workspace;
    private final Variable[] inputs;
    private final boolean recording;
    private final List<Tensor> saved = new ArrayList<>(4);
    /** Storages that this application must give back. */
    private final List<Storage> owned = new ArrayList<>(4);
    private final List<Storage> temporary = new ArrayList<>(4);
    private final Tensor[] pending;
    private Variable output;
    private Rows rows;

    OpContext(Op op, Workspace workspace, Variable[] inputs, boolean recording) {
        this.op = op;
        this.workspace = workspace;
        this.inputs = inputs;
        this.recording = recording;
        this.pending = new Tensor[inputs.length];
    }

    // ---- for both passes

    public Kernels kernels() {
        return workspace.backend().kernels();
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
            needs |= inputs[i].needsGradient();
        }
        Tensor y = op.forward(this, values);
        boolean keep = recording && needs;
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
        output = new Variable(y, keep);
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

    /** {@code t} (total, cols), or those of its rows that dy holds. */
    public Tensor ofRows(Tensor t) {
        if (rows == null) {
            return t;
        }
        int cols = t.size() / rows.total();
        Tensor y = acquire(t.dtype(), t.rank() == 1 ? Shape.of(rows.count()) : Shape.of(rows.count(), cols));
        kernels().gatherRows(y.storage(), t.storage(), rows.indices().storage(), rows.count(), cols);
        return y;
    }

    /**
     * The gradient of input {@code i}, to be written by the op in full: with rows, those rows alone.
     */
    public Slot gradient(int i) {
        Variable x = inputs[i];
        if (x instanceof Parameter p) {
            return new Slot(p.buffer(), p.claimGradient());
        }
        if (x.gradient == null) {
            return new Slot(adopt(x, acquire(x.value().dtype(), gradientShape(x)), rows), false);
        }
        if (x.gradientRows == rows) {
            return new Slot(x.gradient, true);
        }
        if (rows == null) {
            adopt(x, expand(x.gradient, x.gradientRows, x.shape()), null);
            return new Slot(x.gradient, true);
        }
        boolean again = pending[i] != null;
        if (!again) {
            pending[i] = acquire(x.value().dtype(), gradientShape(x));
        }
        return new Slot(pending[i], again);
    }

    /** The full gradient of input {@code i}, zero if none has arrived, to be added to by the op. */
    public Tensor sumInto(int i) {
        Slot slot = gradient(i);
        if (!slot.accumulate()) {
            kernels().fill(slot.storage(), slot.tensor().size(), 0);
        }
        return slot.tensor();
    }

    /** {@link #accumulate} for ops whose gradient reaches all rows of the input though dy holds some. */
    public void accumulateFull(int i, Tensor dx) {
        accumulateRows(i, dx, null);
    }

    /** {@link #accumulate} of a gradient that is zero outside the rows {@code of}; null means that it is full. */
    public void accumulateRows(int i, Tensor dx, Rows of) {
        Rows given = rows;
        rows = of;
        accumulate(i, dx);
        if (pending[i] != null) {
            mergePending(i);
        }
        rows = given;
    }

    /** Adds {@code dx} to the gradient of input {@code i}. Memory acquired in this pass, and dy, is moved, not copied. */
    public void accumulate(int i, Tensor dx) {
        Variable x = inputs[i];
        if (!(x instanceof Parameter) && x.gradient == null && temporary.contains(dx.storage())) {
            adopt(x, rows == null ? dx.reshape(x.shape().dims()) : dx, rows);
            return;
        }
        Slot slot = gradient(i);
        kernels().axpby(slot.storage(), dx.storage(), dx.size(), 1, slot.accumulate() ? 1 : 0);
    }

    private Shape gradientShape(Variable x) {
        return rows == null ? x.shape() : Shape.of(rows.count(), x.shape().size() / rows.total());
    }

    /** Makes {@code t}, acquired in this pass, the gradient of {@code x}; frees the one before. */
    private Tensor adopt(Variable x, Tensor t, Rows r) {
        if (x.gradient != null) {
            temporary.add(x.gradient.storage());
        }
        temporary.remove(t.storage());
        x.gradient = t;
        x.gradientRows = r;
        return t;
    }

    private Tensor expand(Tensor compact, Rows r, Shape shape) {
        Tensor full = acquire(compact.dtype(), shape);
        kernels().fill(full.storage(), full.size(), 0);
        kernels().scatterAddRows(full.storage(), compact.storage(), r.indices().storage(), r.count(),
                shape.size() / r.total());
        return full;
    }

    /** Runs the backward pass if a gradient has arrived, then frees what it acquired. */
    void backward() {
        if (output.gradient != null) {
            Tensor dy = output.gradient;
            temporary.add(dy.storage());
            rows = output.gradientRows;
            if (rows != null && !op.rowwise()) {
                dy = expand(dy, rows, output.shape());
                rows = null;
            }
            output.gradient = null;
            op.backward(this, dy);
            for (int i = 0; i < inputs.length; i++) {
                if (pending[i] != null) {
                    mergePending(i);
                }
            }
            temporary.forEach(workspace::release);
            temporary.clear();
        }
    }

    private void mergePending(int i) {
        Variable x = inputs[i];
        if (x.gradientRows != null) {
            adopt(x, expand(x.gradient, x.gradientRows, x.shape()), null);
        }
        kernels().scatterAddRows(x.gradient.storage(), pending[i].storage(), rows.indices().storage(), rows.count(),
                x.shape().size() / rows.total());
        pending[i] = null;
    }

    /** Gives back all memory of this application, its output's included. */
    void release() {
        owned.forEach(workspace::release);
        owned.clear();
        saved.clear();
        if (output.gradient != null) {
            workspace.release(output.gradient.storage());
            output.gradient = null;
        }
    }
}
