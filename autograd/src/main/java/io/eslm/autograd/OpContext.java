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
 * anything. Memory from the forward pass is reused at once, unless the op saves or returns it: then after the backward pass of
 * this op. Memory from the backward pass is reused after it, unless it became a gradient.
 */
public final class OpContext {
    /** Where an op writes every element of a gradient: {@code +=} if {@code accumulate}, else {@code =}. */
    public record Slot(Tensor tensor, boolean accumulate) {
        public Storage storage() { return tensor.storage(); }
    }

    private final Op op;
    private final Tape tape;
    private final Variable[] inputs;
    private Variable output;
    private final List<Tensor> saved = new ArrayList<>(4);
    /** Memory to give back after the backward pass. */
    final List<Tensor> owned = new ArrayList<>(4);
    /** Memory to give back at the end of the pass that is running. */
    private final List<Tensor> temporary = new ArrayList<>(4);
    /** What to add to gradients after the op's backward pass. */
    private final List<Runnable> pending = new ArrayList<>(0);
    private Rows rows;

    OpContext(Op op, Tape tape, Variable[] inputs) {
        this.op = op;
        this.tape = tape;
        this.inputs = inputs.clone();
    }

    // ---- both passes

    /** The op itself. */
    public Op op() { return op; }

    /** Name of the op, for messages. */
    public String name() { return op.name(); }

    /** How many inputs it was applied to. */
    public int inputCount() { return inputs.length; }

    public Kernels kernels() { return tape.backend().kernels(); }

    public Tensor input(int i) { return inputs[i].value(); }

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
        boolean record = false;
        for (int i = 0; i < inputs.length; i++) {
            values[i] = checkedInput(i);
            Checks.sameType(op.name(), values[0].dtype(), values[i].dtype());
            record |= tape.recording() && inputs[i].needsGradient();
        }
        Tensor y = op.forward(this, values);
        if (!record) {
            saved.clear();
        }
        for (Tensor t : temporary) {
            boolean keep = t == y.owner();
            for (Tensor s : saved) {
                keep |= t == s.owner();
            }
            if (keep) {
                owned.add(t);
            } else {
                tape.release(t, op.name());
            }
        }
        temporary.clear();
        output = new Variable(tape, op.name(), y, record);
        return output;
    }

    private Tensor checkedInput(int i) {
        Variable x = inputs[i];
        Checks.check(x != null, op.name(), "input %d is null", i);
        Checks.check(x.tape() == null || x.tape() == tape, op.name(),
                "input %d was made on another tape; pass its value with Tape.constant", i);
        if (x.spent) {
            throw new IllegalStateException(op.name() + ": input " + i
                    + " is from before backward, reset or the end of its scope; compute it again");
        }
        Checks.sameBackend(op.name(), tape.backend(), x.value().backend());
        return x.value();
    }

    // ---- backward

    /** Tensor {@code i} of those that the forward pass {@link #save saved}. */
    public Tensor saved(int i) {
        return saved.get(i);
    }

    /** How many tensors the forward pass saved. */
    public int savedCount() { return saved.size(); }

    /** Before the backward pass, the gradient that has come for the output, in full or of {@link #arrivedRows}; else null. */
    public Tensor arrived() {
        return output.gradient;
    }

    /** The rows that {@link #arrived} holds, or null if it holds all. */
    public Rows arrivedRows() {
        return output.gradientRows;
    }

    /** The result of the forward pass. */
    public Tensor output() { return output.value(); }

    /** True if input {@code i} takes a gradient. */
    public boolean needs(int i) {
        return i < inputs.length && inputs[i].needsGradient();
    }

    /** The rows that dy holds, or null if it holds all. */
    public Rows rows() { return rows; }

    /** The rows of {@code t} (total, cols) that dy holds; {@code t} itself if dy holds all. Do not write to it. */
    public Tensor ofRows(Tensor t) {
        return rows == null ? t : rows.gather(this, t);
    }

    /** Expands {@code dy} to all rows, after which {@link #rows} is null. For ops that are row-wise only in some cases. */
    public Tensor allRows(Tensor dy) {
        if (rows == null) {
            return dy;
        }
        Tensor full = rows.expand(acquire(dy.dtype(), output.shape()), dy);
        rows = null;
        return full;
    }

    /** Where to write the gradient of all rows of input {@code i}, regardless of {@link #rows}: for weights. */
    public Slot gradient(int i) {
        return slot(i, null);
    }

    /** Where to write the gradient of those rows of input {@code i} that dy holds. */
    public Slot gradientOfRows(int i) {
        return slot(i, rows);
    }

    /** The gradient of all rows of input {@code i}, zeros if none has arrived: add to it. */
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
    public void accumulate(int i, Tensor dx) { accumulateRows(i, dx, rows); }

    /** {@link #accumulate} for the gradient of the rows {@code of}, all others being zero; null means all rows. */
    public void accumulateRows(int i, Tensor dx, Rows of) {
        if (needs(i)) {
            add(inputs[i], dx, of);
        }
    }

    /** Runs the op's backward pass if a gradient has arrived, then gives back what it acquired. */
    void backward() {
        output.spent = true;
        if (output.gradient == null) {
            return;
        }
        Tensor dy = output.gradient;
        output.gradient = null;
        rows = output.gradientRows;
        temporary.add(dy.owner());
        if (output.gradientListener != null) {
            output.gradientListener.hear(dy, rows);
        }
        if (rows != null && !(op.rowwise() && rows.total() == input(0).shape().rows())) {
            dy = allRows(dy);
        }
        op.backward(this, dy);
        pending.forEach(Runnable::run);
        pending.clear();
        tape.release(temporary, op.name());
    }

    /**
     * The gradient of input {@code i} itself; or memory to add to it afterwards, where it holds other rows, and where the
     * variable is an input twice, since writing one gradient must not change the other.
     */
    private Slot slot(int i, Rows of) {
        assert needs(i) : op.name() + ": input " + i + " takes no gradient";
        Variable x = inputs[i];
        int uses = 0;
        for (Variable input : inputs) {
            uses += input == x ? 1 : 0;
        }
        if (uses == 1 && prepare(x, of)) {
            return new Slot(x.gradient, x.claimGradient());
        }
        Tensor dx = acquire(x.value().dtype(), shape(x, of));
        pending.add(() -> add(x, dx, of));
        return new Slot(dx, false);
    }

    private void add(Variable x, Tensor dx, Rows of) {
        if (x.gradient == null && !(x instanceof Parameter) && temporary.remove(dx.owner())) {
            x.gradient = dx.reshape(shape(x, of));
            x.gradientRows = of;
            x.claimGradient();
        } else if (!prepare(x, of)) {
            prepare(x, null);
            if (x.claimGradient()) {
                of.add(x.gradient, dx);
            } else {
                of.expand(x.gradient, dx);
            }
        } else if (x.claimGradient()) {
            kernels().axpby(x.gradient.storage(), dx.storage(), dx.size(), 1, 1);
        } else {
            kernels().copy(x.gradient.storage(), dx.storage(), dx.size());
        }
    }

    /**
     * Begins the gradient of {@code x} if none has arrived, with the rows {@code of}, or with all rows for a parameter; and
     * expands it to all rows if {@code of} is null. True if it then holds just the rows {@code of}.
     */
    private boolean prepare(Variable x, Rows of) {
        if (x instanceof Parameter p) {
            p.gradientMemory();
        } else if (x.gradient == null) {
            x.gradient = tape.acquire(x.value().dtype(), shape(x, of));
            x.gradientRows = of;
            x.hasGradient = false;
        } else if (of == null && x.gradientRows != null) {
            temporary.add(x.gradient.owner());
            x.gradient = x.gradientRows.expand(tape.acquire(x.value().dtype(), x.shape()), x.gradient);
            x.gradientRows = null;
        }
        return x.gradientRows == of;
    }

    private static Shape shape(Variable x, Rows of) { return of == null ? x.shape() : of.shapeIn(x.shape()); }

    // ---- memory

    /** True if {@code y}, or the tensor that it is a view of, is memory of this application. */
    boolean owns(Tensor y) {
        return owned.contains(y.owner());
    }

    /** Gives back all memory of this application. */
    void release() {
        output.spent = true;
        tape.release(owned, op.name());
        saved.clear();
        if (output.gradient != null) {
            tape.release(output.gradient.owner(), op.name());
            output.gradient = null;
        }
    }

    /** For example {@code Affine (4, 3) (3, 5) (5) → (4, 5)}. */
    @Override
    public String toString() {
        return Stream.of(inputs).map(x -> " " + x.shape()).collect(Collectors.joining("", op.name(), ""))
                + (output == null ? "" : " → " + output.shape());
    }
}
