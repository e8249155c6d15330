// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd;

import io.eslm.tensor.Checks;
import io.eslm.tensor.DType;
import io.eslm.tensor.Shape;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.Kernels;
import io.eslm.tensor.backend.Storage;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * One application of an {@link Op}: its inputs, output, saved tensors and gradients. It owns the memory, so an op never frees
 * anything. Memory from the forward pass that the op neither saves nor returns is reused at once. Saved memory and the output
 * are reused after the backward pass of this op. Memory from the backward pass is reused after it, unless it became a gradient.
 */
public final class OpContext {
    /** Where an op writes the gradient of an input, every element of it: {@code +=} if {@code accumulate}, else {@code =}. */
    public record Slot(Tensor tensor, boolean accumulate) {
        public Storage storage() {
            return tensor.storage();
        }
    }

    /** A gradient that is added to {@code x} when the op's backward pass is over. */
    private record Pending(Variable x, Tensor dx, Rows rows) {
    }

    private final Op op;
    private final Tape tape;
    private final Variable[] inputs;
    private final List<Tensor> saved = new ArrayList<>(4);
    /** Memory to give back after the backward pass. */
    private final List<Tensor> owned = new ArrayList<>(4);
    /** Memory acquired in the pass that is running, to give back at its end. */
    private final List<Tensor> temporary = new ArrayList<>(4);
    private final List<Pending> pending = new ArrayList<>(0);
    private Variable output;
    private Rows rows;

    OpContext(Op op, Tape tape, Variable[] inputs) {
        this.op = op;
        this.tape = tape;
        this.inputs = inputs.clone();
    }

    // ---- for both passes

    public Kernels kernels() {
        return tape.backend().kernels();
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

    /** Memory of the given shape; its contents are undefined. */
    public Tensor acquire(DType type, Shape shape) {
        Tensor t = tape.acquire(type, shape);
        temporary.add(t);
        return t;
    }

    /** Memory of the given shape and the type of input 0; its contents are undefined. */
    public Tensor acquire(int... dims) {
        return acquire(input(0).dtype(), Shape.of(dims));
    }

    /** Memory with the type and shape of {@code t}; its contents are undefined. */
    public Tensor acquireLike(Tensor t) {
        return acquire(t.dtype(), t.shape());
    }

    /** A scalar of the type of input 0. */
    public Tensor acquireScalar(double value) {
        Tensor t = acquire(input(0).dtype(), Shape.of());
        kernels().fill(t.storage(), 1, value);
        return t;
    }

    /** {@code values} as an I32 tensor in memory of this pass. */
    public Tensor put(int... values) {
        Tensor t = acquire(DType.I32, Shape.of(values.length));
        tape.backend().write(t.storage(), values, 0, values.length);
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
            Variable x = inputs[i];
            Checks.check(x != null, op.name(), "input %d is null", i);
            Checks.check(x.tape() == tape || x.tape() == null, op.name(),
                    "input %d was made on another tape; pass its value with Tape.constant", i);
            values[i] = x.value();
            Checks.sameBackend(op.name(), tape.backend(), values[i].backend());
            Checks.sameType(op.name(), values[0].dtype(), values[i].dtype());
            needs |= x.needsGradient();
        }
        Tensor y = op.forward(this, values);
        boolean keep = tape.recording() && needs;
        for (Tensor t : temporary) {
            if (t == y.owner() || keep && isSaved(t)) {
                owned.add(t);
            } else {
                tape.release(t, op.name());
            }
        }
        temporary.clear();
        if (!keep) {
            saved.clear();
        }
        output = new Variable(tape, op.name(), y, keep);
        return output;
    }

    private boolean isSaved(Tensor t) {
        for (Tensor s : saved) {
            if (s.owner() == t) {
                return true;
            }
        }
        return false;
    }

    // ---- backward

    /** Tensor {@code i} of those that the forward pass {@link #save saved}. */
    public Tensor saved(int i) {
        return saved.get(i);
    }

    /** The result of the forward pass. */
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

    /** The rows of {@code t} (total, cols) that dy holds; {@code t} itself if dy holds all. Do not write to it. */
    public Tensor ofRows(Tensor t) {
        if (rows == null) {
            return t;
        }
        Tensor y = acquire(t.dtype(), rows.shapeIn(t.shape()));
        kernels().gatherRows(y.storage(), t.storage(), rows.indices().storage(), rows.count(), y.dim(1));
        return y;
    }

    /** Expands {@code dy} to all rows, after which {@link #rows} is null. For ops that are row-wise only in some cases. */
    public Tensor allRows(Tensor dy) {
        if (rows == null) {
            return dy;
        }
        Tensor full = rows.expand(tape, dy, output.shape());
        temporary.add(full);
        rows = null;
        return full;
    }

    /** Where to write the full gradient of input {@code i}, whatever {@link #rows} are: for weights. */
    public Slot gradient(int i) {
        return slot(i, null);
    }

    /** Where to write the gradient of those rows of input {@code i} that dy holds. */
    public Slot gradientOfRows(int i) {
        return slot(i, rows);
    }

    /** The full gradient of input {@code i}, zeros if none has arrived: add to it. */
    public Tensor sumInto(int i) {
        Slot slot = gradient(i);
        if (!slot.accumulate()) {
            kernels().fill(slot.storage(), slot.tensor().size(), 0);
        }
        return slot.tensor();
    }

    /**
     * Adds {@code dx}, the gradient of those rows of input {@code i} that dy holds, if that input needs it. Do not write to
     * {@code dx} afterwards: memory acquired in this pass, and dy, becomes the gradient without a copy.
     */
    public void accumulate(int i, Tensor dx) {
        accumulateRows(i, dx, rows);
    }

    /** {@link #accumulate} for a gradient of all rows of the input, whatever {@link #rows} are. */
    public void accumulateAll(int i, Tensor dx) {
        accumulateRows(i, dx, null);
    }

    /** {@link #accumulate} for a gradient that is zero outside the rows {@code of}; null means all rows. */
    public void accumulateRows(int i, Tensor dx, Rows of) {
        if (needs(i)) {
            add(inputs[i], dx, of);
        }
    }

    /** Runs the op's backward pass if a gradient has arrived, then gives back what it acquired. */
    void backward() {
        if (output.gradient == null) {
            return;
        }
        Tensor dy = output.gradient;
        rows = output.gradientRows;
        output.gradient = null;
        temporary.add(dy.owner());
        if (rows != null && !(op.rowwise() && rows.total() == input(0).shape().rows())) {
            dy = allRows(dy);
        }
        op.backward(this, dy);
        for (Pending p : pending) {
            add(p.x, p.dx, p.rows);
        }
        pending.clear();
        release(temporary);
    }

    /**
     * The gradient of input {@code i} itself; or memory that is added to it later, where it holds other rows, and where the
     * variable is an input twice, so that writing one gradient must not change the other.
     */
    private Slot slot(int i, Rows of) {
        assert needs(i) : op.name() + ": input " + i + " takes no gradient";
        Variable x = inputs[i];
        if (Stream.of(inputs).filter(input -> input == x).count() == 1) {
            start(x, of);
            if (of == null) {
                complete(x);
            }
            if (x.gradientRows == of) {
                return new Slot(x.gradient, x.claimGradient());
            }
        }
        Tensor dx = acquire(x.value().dtype(), shape(x, of));
        pending.add(new Pending(x, dx, of));
        return new Slot(dx, false);
    }

    private void add(Variable x, Tensor dx, Rows of) {
        if (x.gradient == null && !(x instanceof Parameter) && temporary.remove(dx.owner())) {
            x.gradient = dx.reshape(shape(x, of).dims());
            x.gradientRows = of;
            x.claimGradient();
            return;
        }
        start(x, of);
        if (x.gradientRows != of) {
            complete(x);
        }
        boolean had = x.claimGradient();
        if (x.gradientRows != of) {
            of.addInto(x.gradient, had, dx);
        } else if (had) {
            kernels().axpby(x.gradient.storage(), dx.storage(), dx.size(), 1, 1);
        } else {
            kernels().copy(x.gradient.storage(), dx.storage(), dx.size());
        }
    }

    /** Gives {@code x} memory for a gradient if it has none: of the rows {@code of}, or of all for a parameter. */
    private void start(Variable x, Rows of) {
        if (x instanceof Parameter p) {
            p.gradientMemory();
        } else if (x.gradient == null) {
            x.gradient = tape.acquire(x.value().dtype(), shape(x, of));
            x.gradientRows = of;
            x.dropGradient();
        }
    }

    private void complete(Variable x) {
        Tensor compact = x.completeGradient();
        if (compact != null) {
            temporary.add(compact.owner());
        }
    }

    private static Shape shape(Variable x, Rows of) {
        return of == null ? x.shape() : of.shapeIn(x.shape());
    }

    // ---- memory

    boolean made(Variable y) {
        return output == y;
    }

    /** True if {@code y}, or the tensor that it is a view of, is memory of this application. */
    boolean owns(Tensor y) {
        return owned.contains(y.owner());
    }

    /** Gives back all memory of this application. */
    void release() {
        release(owned);
        saved.clear();
        if (output.gradient != null) {
            tape.release(output.gradient, op.name());
            output.gradient = null;
        }
    }

    private void release(List<Tensor> tensors) {
        for (Tensor t : tensors) {
            tape.release(t, op.name());
        }
        tensors.clear();
    }

    /** For example {@code Affine (4, 3) (3, 5) (5) → (4, 5)}. */
    @Override
    public String toString() {
        return Stream.of(inputs).map(x -> " " + x.shape()).collect(Collectors.joining("", op.name(), ""))
                + (output == null ? "" : " → " + output.shape());
    }
}
