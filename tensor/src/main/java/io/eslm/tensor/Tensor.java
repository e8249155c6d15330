// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor;

import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Kernels;
import io.eslm.tensor.backend.Storage;

/**
 * A dense row-major array on one {@link Backend}: a storage and a shape. Operations return new tensors; {@link #reshape} and
 * {@link #rows} share memory with this one, all others copy.
 */
public final class Tensor {
    private final Backend backend;
    private final Storage storage;
    private final Shape shape;

    /** A tensor over existing memory: {@code storage} must hold at least {@code shape.size()} elements. */
    public Tensor(Backend backend, Storage storage, Shape shape) {
        Checks.check(storage.size() >= shape.size(), "tensor", "storage holds %d elements, shape %s needs %d",
                storage.size(), shape, shape.size());
        this.backend = backend;
        this.storage = storage;
        this.shape = shape;
    }

    /** All zero. */
    public static Tensor zeros(Backend backend, DType type, int... dims) {
        Shape shape = Shape.of(dims);
        Checks.check(backend.supports(type), "zeros", "backend %s has no %s", backend.name(), type);
        return new Tensor(backend, backend.allocate(type, shape.size()), shape);
    }

    /** F32 from {@code values} in row-major order. */
    public static Tensor of(Backend backend, float[] values, int... dims) {
        Tensor t = zeros(backend, DType.F32, dims);
        t.checkLength("of", values.length);
        backend.write(t.storage, values, 0, values.length);
        return t;
    }

    /** {@code type} (F32, rounded, or F64) from {@code values} in row-major order. */
    public static Tensor of(Backend backend, DType type, double[] values, int... dims) {
        Tensor t = zeros(backend, type, dims);
        t.checkLength("of", values.length);
        backend.write(t.storage, values, 0, values.length);
        return t;
    }

    /** I32 from {@code values} in row-major order. */
    public static Tensor of(Backend backend, int[] values, int... dims) {
        Tensor t = zeros(backend, DType.I32, dims);
        t.checkLength("of", values.length);
        backend.write(t.storage, values, 0, values.length);
        return t;
    }

    public Backend backend() {
        return backend;
    }

    public Kernels kernels() {
        return backend.kernels();
    }

    public Storage storage() {
        return storage;
    }

    public Shape shape() {
        return shape;
    }

    public DType dtype() {
        return storage.dtype();
    }

    public int size() {
        return shape.size();
    }

    public int rank() {
        return shape.rank();
    }

    public int dim(int axis) {
        return shape.dim(axis);
    }

    /** A copy of the elements of an F32 tensor. */
    public float[] toFloats() {
        float[] out = new float[size()];
        backend.read(storage, out, 0, out.length);
        return out;
    }

    /** A copy of the elements of an F32 or F64 tensor. */
    public double[] toDoubles() {
        double[] out = new double[size()];
        backend.read(storage, out, 0, out.length);
        return out;
    }

    /** A copy of the elements of an I32 tensor. */
    public int[] toInts() {
        int[] out = new int[size()];
        backend.read(storage, out, 0, out.length);
        return out;
    }

    /** The only element of a floating-point tensor of size 1. */
    public double item() {
        Checks.check(size() == 1, "item", "needs exactly one element, shape is %s", shape);
        return toDoubles()[0];
    }

    /** The same elements in another shape of the same size; shares memory. */
    public Tensor reshape(int... dims) {
        Shape s = Shape.of(dims);
        Checks.check(s.size() == size(), "reshape", "%s has %d elements, %s has %d", shape, size(), s, s.size());
        return new Tensor(backend, storage, s);
    }

    /** Rows [from, from + count) along the first axis; shares memory. */
    public Tensor rows(int from, int count) {
        Checks.check(rank() > 0 && from >= 0 && count >= 0 && from + count <= dim(0), "rows",
                "[%d, %d) is outside the first axis of %s", from, from + count, shape);
        int row = dim(0) == 0 ? 0 : size() / dim(0);
        return new Tensor(backend, backend.slice(storage, from * row, count * row), shape.with(0, count));
    }

    private void checkLength(String op, int length) {
        Checks.check(length == size(), op, "%d values do not fill shape %s (%d elements)", length, shape, size());
    }
}
