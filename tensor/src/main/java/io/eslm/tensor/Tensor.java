// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor;

import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Kernels;
import io.eslm.tensor.backend.Storage;
import java.util.Arrays;
import java.util.function.DoubleSupplier;

/**
 * A dense row-major array on one {@link Backend}: a storage and a shape. Here you create, read, compare, copy and print
 * it; the backend's {@link Kernels} compute with it. {@link #reshape} and {@link #rows} share memory with this tensor.
 * A broken precondition is an {@link IllegalArgumentException} (see {@link Checks}), an index outside its axis an
 * {@link IndexOutOfBoundsException}.
 */
public final class Tensor {
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

    // ---- creation

    /** All zero. */
    public static Tensor zeros(Backend backend, DType type, int... dims) {
        Checks.notNull("tensor", "backend", backend);
        Checks.notNull("tensor", "type", type);
        Shape shape = Shape.of(dims);
        Checks.check(backend.supports(type), "tensor", "backend %s has no %s", backend.name(), type);
        return new Tensor(backend, backend.allocate(type, shape.size()), shape);
    }

    /** All {@code value}. */
    public static Tensor full(Backend backend, DType type, double value, int... dims) {
        Tensor t = zeros(backend, type, dims);
        backend.kernels().fill(t.storage, t.size(), value);
        return t;
    }

    /** F32 from {@code values} in row-major order. */
    public static Tensor of(Backend backend, float[] values, int... dims) {
        Tensor t = zeros(backend, DType.F32, dims);
        backend.write(t.storage, values, 0, t.filled(Checks.notNull("tensor", "values", values).length));
        return t;
    }

    /** {@code type} (F32, rounded, or F64) from {@code values} in row-major order. */
    public static Tensor of(Backend backend, DType type, double[] values, int... dims) {
        Tensor t = zeros(backend, type, dims);
        backend.write(t.storage, values, 0, t.filled(Checks.notNull("tensor", "values", values).length));
        return t;
    }

    /** I32 from {@code values} in row-major order. */
    public static Tensor of(Backend backend, int[] values, int... dims) {
        Tensor t = zeros(backend, DType.I32, dims);
        backend.write(t.storage, values, 0, t.filled(Checks.notNull("tensor", "values", values).length));
        return t;
    }

    /** {@code length}, if that many values fill this tensor. */
    private int filled(int length) {
        Checks.check(length == size(), "tensor", "%d values do not fill shape %s (%d elements)", length, shape, size());
        return length;
    }

    /** 0, 1, …, n − 1 in shape (n). */
    public static Tensor arange(Backend backend, DType type, int n) {
        int[] values = new int[n];
        Arrays.setAll(values, i -> i);
        return of(backend, values, n).to(type);
    }

    /** Rows (ids.length, classes) of zeros with a 1 in the column that each id names. */
    public static Tensor oneHot(Backend backend, DType type, int[] ids, int classes) {
        Checks.ids("one-hot", ids, ids.length, classes);
        double[] values = new double[ids.length * classes];
        for (int i = 0; i < ids.length; i++) {
            values[i * classes + ids[i]] = 1;
        }
        return of(backend, type, values, ids.length, classes);
    }

    /** Normal with mean 0 and standard deviation {@code std}, drawn from {@code rng} in row-major order. */
    public static Tensor randn(Backend backend, DType type, Rng rng, double std, int... dims) {
        Checks.notNull("tensor", "rng", rng);
        return drawn(backend, type, () -> std * rng.nextGaussian(), dims);
    }

    /** Uniform in [low, high), drawn from {@code rng} in row-major order. */
    public static Tensor uniform(Backend backend, DType type, Rng rng, double low, double high, int... dims) {
        Checks.notNull("tensor", "rng", rng);
        return drawn(backend, type, () -> low + (high - low) * rng.nextDouble(), dims);
    }

    private static Tensor drawn(Backend backend, DType type, DoubleSupplier draw, int... dims) {
        double[] values = new double[Shape.of(dims).size()];
        Arrays.setAll(values, i -> draw.getAsDouble());
        return of(backend, type, values, dims);
    }

    // ---- what it is

    public Backend backend() { return backend; }

    public Kernels kernels() { return backend.kernels(); }

    /** @throws IllegalStateException if the memory has been {@link #release released} */
    public Storage storage() {
        if (owner.released != null) {
            throw new IllegalStateException("tensor " + shape + ", made by " + owner.released
                    + ": its memory has been reused. Read it before backward, reset or the end of the scope, or keep a copy "
                    + "with to(backend)");
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

    /** A copy of the elements of an I32 tensor. */
    public int[] toInts() {
        int[] out = new int[size()];
        backend.read(storage(), out, 0, out.length);
        return out;
    }

    /** The only element of a tensor of size 1. */
    public double item() {
        Checks.check(size() == 1, "item", "needs exactly one element, shape is %s", shape);
        return flat(0);
    }

    /** One element; one index for each axis. */
    public double get(int... indices) {
        Checks.check(indices.length == rank(), "get", "%d indices for the %d axes of %s", indices.length, rank(),
                shape);
        int at = 0;
        for (int axis = 0; axis < indices.length; axis++) {
            Checks.index("get", indices[axis], axis, shape);
            at = at * dim(axis) + indices[axis];
        }
        return flat(at);
    }

    /** Element {@code i} in row-major order. */
    double flat(int i) {
        Tensor one = new Tensor(backend, backend.slice(storage(), i, 1), Shape.of());
        return dtype().isFloat() ? one.toDoubles()[0] : one.toInts()[0];
    }

    /** True if shape, type and every element agree; a NaN agrees with a NaN, 0 does not with −0. */
    public boolean sameAs(Tensor other) {
        Checks.notNull("sameAs", "other", other);
        return shape.equals(other.shape) && dtype() == other.dtype()
                && (dtype().isFloat() ? Arrays.equals(toDoubles(), other.toDoubles())
                        : Arrays.equals(toInts(), other.toInts()));
    }

    /** True if the shapes agree and a = b or |a − b| ≤ atol + rtol·|b| &lt; ∞ for each a here and b there; false for a NaN. */
    public boolean allClose(Tensor other, double rtol, double atol) {
        Checks.notNull("allClose", "other", other);
        if (!shape.equals(other.shape)) {
            return false;
        }
        double[] a = toDoubles();
        double[] b = other.toDoubles();
        for (int i = 0; i < a.length; i++) {
            boolean near = Double.isFinite(b[i]) && Math.abs(a[i] - b[i]) <= atol + rtol * Math.abs(b[i]);
            if (a[i] != b[i] && !near) {
                return false;
            }
        }
        return true;
    }

    /** The elements in NumPy's layout (large tensors are abbreviated with …), then shape and type. */
    @Override
    public String toString() {
        return owner.released == null ? TensorPrinter.text(this) : "released " + shape + " " + dtype();
    }

    // ---- shared and reused memory

    /** The tensor that this one is a view of, through {@link #reshape} and {@link #rows}; itself if it is not a view. */
    public Tensor owner() {
        return owner;
    }

    /**
     * Says that the memory is about to be reused: from now on it is an error to read this tensor or any view of the same
     * memory.
     *
     * @param maker names what made the tensor, for the message
     */
    public void release(String maker) {
        owner.released = maker;
    }

    // ---- the same elements elsewhere, or arranged differently

    /** A copy on {@code target}. */
    public Tensor to(Backend target) {
        Checks.notNull("to", "backend", target);
        return switch (dtype()) {
            case F32 -> of(target, toFloats(), shape.dims());
            case F64 -> of(target, DType.F64, toDoubles(), shape.dims());
            case I32 -> of(target, toInts(), shape.dims());
        };
    }

    /** A copy with element type {@code type}; to I32, the fraction is cut off. */
    public Tensor to(DType type) {
        if (Checks.notNull("to", "type", type) == dtype()) {
            return to(backend);
        }
        double[] values = dtype().isFloat() ? toDoubles() : Arrays.stream(toInts()).asDoubleStream().toArray();
        return type.isFloat() ? of(backend, type, values, shape.dims())
                : of(backend, Arrays.stream(values).mapToInt(v -> (int) v).toArray(), shape.dims());
    }

    /**
     * The same elements in another shape of the same size, of which one dimension may be −1: the one that fits. Shares
     * memory.
     */
    public Tensor reshape(int... dims) {
        return new Tensor(backend, storage(), reshaped(dims), owner);
    }

    /** Rows [from, from + count) along the first axis; shares memory. */
    public Tensor rows(int from, int count) {
        Checks.rankAtLeast("rows", 1, shape);
        Checks.range("rows", from, from + count, 0, shape);
        int row = dim(0) == 0 ? 0 : size() / dim(0);
        return new Tensor(backend, backend.slice(storage(), from * row, count * row), shape.with(0, count), owner);
    }

    /** {@code dims}, with a −1 replaced by what makes the size that of this tensor. */
    private Shape reshaped(int[] dims) {
        int[] d = Checks.notNull("reshape", "dims", dims).clone();
        int free = -1;
        long known = 1;
        for (int i = 0; i < d.length; i++) {
            if (d[i] == -1) {
                Checks.check(free < 0, "reshape", "%s has more than one -1", Shape.text(dims));
                free = i;
            } else {
                known *= d[i];
            }
        }
        if (free >= 0) {
            Checks.check(known > 0 && size() % known == 0, "reshape",
                    "%s has %d elements, which %s cannot divide evenly", shape, size(), Shape.text(dims));
            d[free] = (int) (size() / known);
        }
        Shape s = Shape.of(d);
        Checks.check(s.size() == size(), "reshape", "%s has %d elements, %s has %d", shape, size(), s, s.size());
        return s;
    }
}
