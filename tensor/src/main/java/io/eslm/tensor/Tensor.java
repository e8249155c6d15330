// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor;

import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Kernels;
import io.eslm.tensor.backend.Storage;

/**
 * A dense row-major array on one {@link Backend}: a storage and a shape. The backend's {@link Kernels} compute with it.
 * {@link #reshape} and {@link #rows} share memory with this tensor. A broken precondition is an
 * {@link IllegalArgumentException}, an index outside its axis an {@link IndexOutOfBoundsException}.
 */
public final class Tensor extends TensorValues {
    private final Backend backend;
    private final Storage storage;
    private final Shape shape;
    /** The tensor whose memory this one shares, or this one. */
    private final Tensor owner;
    /** Of an owner: what made it, once its memory has been {@link #release released}; null while it can be read. */
    private String released;

    /** A tensor over existing memory: {@code storage} must hold at least {@code shape.size()} elements. */
    public Tensor(Backend backend, Storage storage, Shape shape) {
        this(backend, storage, shape, null);
    }

    private Tensor(Backend backend, Storage storage, Shape shape, Tensor owner) {
        this.backend = Checks.notNull("tensor", "backend", backend);
        this.storage = Checks.notNull("tensor", "storage", storage);
        this.shape = Checks.notNull("tensor", "shape", shape);
        this.owner = owner == null ? this : owner;
        Checks.check(storage.size() >= shape.size(), "tensor", "storage holds %d elements, shape %s needs %d",
                storage.size(), shape, shape.size());
    }

    /** All zero. */
    public static Tensor zeros(Backend backend, DType type, int... dims) {
        Checks.notNull("tensor", "backend", backend);
        Checks.notNull("tensor", "type", type);
        Shape shape = Shape.of(dims);
        Checks.check(backend.supports(type), "tensor", "backend %s has no %s", backend.name(), type);
        return new Tensor(backend, backend.allocate(type, shape.size()), shape);
    }

    public Backend backend() { return backend; }

    public Kernels kernels() { return backend.kernels(); }

    /** @throws IllegalStateException if the memory has been {@link #release released} */
    public Storage storage() {
        if (owner.released != null) {
            throw new IllegalStateException("tensor " + shape + ", made by " + owner.released + ": its memory has been "
                    + "reused. Read it before backward, reset or the end of the scope, or keep a copy with to(backend)");
        }
        return storage;
    }

    public Shape shape() { return shape; }

    public DType dtype() { return storage.dtype(); }

    public int size() { return shape.size(); }

    public int rank() { return shape.rank(); }

    public int dim(int axis) { return shape.dim(axis); }

    /** A copy of the elements of an F32 tensor. */
    public float[] toFloats() {
        float[] out = new float[size()];
        backend.read(storage(), out, 0, out.length);
        return out;
    }

    /** A copy of the elements of an F32 or F64 tensor. */
    public double[] toDoubles() {
        double[] out = new double[size()];
        backend.read(storage(), out, 0, out.length);
        return out;
    }

    /** The same elements in another shape of the same size; shares memory. */
    public Tensor reshape(Shape to) {
        Checks.check(to.size() == size(), "reshape", "%s has %d elements, %s has %d", shape, size(), to, to.size());
        return view(storage(), to);
    }

    Tensor view(Storage part, Shape of) { return new Tensor(backend, part, of, owner); }

    /** The tensor that this one is a view of; itself if it is not a view. */
    public Tensor owner() { return owner; }

    /** Makes it an error to read this memory, which is about to be reused. {@code maker}, for the message, made the tensor. */
    public void release(String maker) {
        owner.released = maker;
    }

    boolean isReleased() { return owner.released != null; }

    @Override
    Tensor self() { return this; }
}
