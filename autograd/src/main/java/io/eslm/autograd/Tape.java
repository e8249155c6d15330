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
import java.util.Locale;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * Reverse-mode automatic differentiation. A recording tape remembers each op you apply. {@link #backward} visits them in
 * reverse and frees their activations. An evaluation tape remembers nothing for a backward pass and turns dropout off. Values
 * on a tape are valid until {@link #reset}; call that once per step.
 */
public final class Tape implements AutoCloseable {
    private final Workspace workspace;
    private final boolean recording;
    /** Null where nobody looks. */
    private final WatchedWorkspace watched;
    private final List<OpContext> applied = new ArrayList<>();
    /** Applications whose result is a loss, which can be read after the backward pass. */
    private final List<OpContext> losses = new ArrayList<>(1);
    private final List<Tensor> memory = new ArrayList<>();
    private Rng rng;

    private Tape(Workspace workspace, boolean recording, Rng rng) {
        this.workspace = workspace;
        this.recording = recording;
        this.watched = workspace.getClass() == Workspace.class ? null : WatchedWorkspace.orNull(workspace);
        this.rng = rng;
    }

    /** A tape that records, for training; {@code rng} seeds dropout. */
    public static Tape recording(Workspace workspace, Rng rng) {
        return new Tape(workspace, true, rng);
    }

    /** A tape that records, with its own workspace and seed 0. */
    public static Tape recording(Backend backend) {
        return recording(new Workspace(backend), Rng.of(0));
    }

    /** A tape that records, without dropout: for the gradients of a model in evaluation. */
    public static Tape withoutDropout(Workspace workspace) {
        return recording(workspace, null);
    }

    /** A tape that only computes. */
    public static Tape evaluation(Workspace workspace) {
        return new Tape(workspace, false, null);
    }

    /** A tape that only computes, with its own workspace. */
    public static Tape evaluation(Backend backend) {
        return evaluation(new Workspace(backend));
    }

    public Workspace workspace() { return workspace; }

    public Backend backend() { return workspace.backend(); }

    public boolean recording() { return recording; }

    // ---- inputs

    /** A variable without a gradient; for one with a gradient, see {@link Parameter}. */
    public Variable constant(Tensor value) {
        return new Variable(this, "constant", value, false);
    }

    /** Memory that lives until {@link #reset}; its contents are undefined. */
    public Tensor memory(DType type, int... dims) {
        Tensor t = acquire(type, Shape.of(dims));
        memory.add(t);
        return t;
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

    // ---- forward

    /**
     * Applies {@code op}, and records it if one of the inputs needs a gradient.
     *
     * @throws IllegalArgumentException if an input is null, of another tape, backend or type, or does not suit the op
     * @throws IllegalStateException if the memory of an input has been freed
     */
    public Variable apply(Op op, Variable... inputs) {
        OpContext context = new OpContext(op, this, inputs);
        Variable y = watched == null ? context.forward() : watched.forward(context);
        applied.add(context);
        return y;
    }

    /** The rate at which dropout drops on this tape: {@code p} if it has random numbers, as for training, else 0. */
    public double dropoutRate(double p) {
        return rng != null ? p : 0;
    }

    /** A new seed for one dropout; differs from call to call and is reproducible from the tape's rng. */
    public int nextSeed() {
        Checks.check(rng != null, "tape", "this evaluation tape has no random numbers; use Tape.recording");
        return (int) (rng.nextLong() >>> 32);
    }

    /**
     * Runs {@code body} and returns its result. An evaluation tape then frees all other values made in it, so that a deep
     * model needs the memory of one block, and of the result of each.
     */
    public Variable scoped(Supplier<Variable> body) {
        int mark = applied.size();
        Variable y = body.get();
        if (!recording) {
            List<OpContext> inner = applied.subList(mark, applied.size());
            inner.stream().filter(c -> !c.owns(y.value())).forEach(OpContext::release);
            inner.removeIf(c -> !c.owns(y.value()));
        }
        return y;
    }

    // ---- backward

    /**
     * Adds d{@code loss}/d{@code p} to the gradient of every parameter p, and frees the values that the tape holds;
     * {@code loss} itself stays until {@link #reset}.
     *
     * @param loss one element, made on this tape by an op
     * @throws IllegalStateException if backward has run for it already
     */
    public void backward(Variable loss) {
        Checks.check(recording, "backward", "this tape does not record; use Tape.recording");
        Checks.check(loss.tape() == this, "backward", "the loss was made on another tape");
        Checks.check(loss.value().size() == 1, "backward", "needs a loss of one element, shape is %s", loss.shape());
        Checks.check(loss.needsGradient(), "backward", "the loss depends on no parameter");
        if (loss.spent) {
            throw new IllegalStateException(
                    "backward: has run already for this loss, or the tape was reset; compute it again");
        }
        loss.gradient = acquire(loss.value().dtype(), loss.shape());
        backend().kernels().fill(loss.gradient.storage(), 1, 1);
        while (!applied.isEmpty()) {
            OpContext c = applied.getLast();
            if (watched == null) {
                c.backward();
            } else {
                watched.backward(c);
            }
            applied.removeLast();
            if (c.owns(loss.value())) {
                losses.add(c);
            } else {
                c.release();
            }
        }
    }

    // ---- memory

    /** Frees everything made on this tape. */
    public void reset() {
        applied.forEach(OpContext::release);
        applied.clear();
        losses.forEach(OpContext::release);
        losses.clear();
        release(memory, "Tape.memory");
    }

    /** {@link #reset}, with the randomness of the next step. */
    public void reset(Rng next) {
        reset();
        rng = next;
    }

    @Override
    public void close() { reset(); }

    Tensor acquire(DType type, Shape shape) {
        return new Tensor(backend(), workspace.acquire(type, shape.size()), shape);
    }

    /** Gives back the memory of {@code t}; reading it from now on is an error that names {@code maker}. */
    void release(Tensor t, String maker) {
        Storage s = t.storage();
        t.release(maker);
        workspace.release(s);
    }

    void release(List<Tensor> tensors, String maker) {
        for (Tensor t : tensors) {
            release(t, maker);
        }
        tensors.clear();
    }

    /** For example {@code recording tape on vector: 14 ops applied, 81920 bytes held}. */
    @Override
    public String toString() {
        Stream<Tensor> held = Stream.of(applied, losses).flatMap(List::stream).flatMap(c -> c.owned.stream());
        return String.format(Locale.ROOT, "%s tape on %s: %d ops applied, %d bytes held",
                recording ? "recording" : "evaluation", backend().name(), applied.size(),
                Stream.concat(held, memory.stream()).map(Tensor::storage)
                        .mapToLong(storage -> (long) storage.size() * storage.dtype().bytes()).sum());
    }
}
