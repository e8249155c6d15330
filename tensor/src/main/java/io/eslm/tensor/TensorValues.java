// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor;

import io.eslm.tensor.backend.Backend;
import java.util.Arrays;
import java.util.function.DoubleSupplier;

/** What you do with a {@link Tensor} and no op needs: create it from values, read, compare, print, convert and arrange it. */
abstract sealed class TensorValues permits Tensor {
    abstract Tensor self();

    // ---- creation

    /** All {@code value}. */
    public static Tensor full(Backend backend, DType type, double value, int... dims) {
        Tensor t = Tensor.zeros(backend, type, dims);
        backend.kernels().fill(t.storage(), t.size(), value);
        return t;
    }

    /** F32 from {@code values} in row-major order. */
    public static Tensor of(Backend backend, float[] values, int... dims) {
        Tensor t = Tensor.zeros(backend, DType.F32, dims);
        backend.write(t.storage(), values, 0, filled(t, Checks.notNull("tensor", "values", values).length));
        return t;
    }

    /** {@code type} (F32, rounded, or F64) from {@code values} in row-major order. */
    public static Tensor of(Backend backend, DType type, double[] values, int... dims) {
        Tensor t = Tensor.zeros(backend, type, dims);
        backend.write(t.storage(), values, 0, filled(t, Checks.notNull("tensor", "values", values).length));
        return t;
    }

    /** I32 from {@code values} in row-major order. */
    public static Tensor of(Backend backend, int[] values, int... dims) {
        Tensor t = Tensor.zeros(backend, DType.I32, dims);
        backend.write(t.storage(), values, 0, filled(t, Checks.notNull("tensor", "values", values).length));
        return t;
    }

    private static int filled(Tensor t, int length) {
        Checks.check(length == t.size(), "tensor", "%d values do not fill shape %s (%d elements)", length, t.shape(),
                t.size());
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

    // ---- reading

    /** A copy of the elements of an I32 tensor. */
    public int[] toInts() {
        Tensor t = self();
        int[] out = new int[t.size()];
        t.backend().read(t.storage(), out, 0, out.length);
        return out;
    }

    /** One element; one index for each axis. */
    public double get(int... indices) {
        Shape shape = self().shape();
        Checks.check(indices.length == shape.rank(), "get", "%d indices for the %d axes of %s", indices.length,
                shape.rank(), shape);
        int at = 0;
        for (int axis = 0; axis < indices.length; axis++) {
            int i = indices[axis];
            if (i < 0 || i >= shape.dim(axis)) {
                throw new IndexOutOfBoundsException("get: index " + i + " is outside axis " + axis + " of " + shape);
            }
            at = at * shape.dim(axis) + i;
        }
        return flat(at);
    }

    /** The only element of a tensor of size 1. */
    public double item() {
        Checks.check(self().size() == 1, "item", "needs exactly one element, shape is %s", self().shape());
        return flat(0);
    }

    /** Element {@code i} in row-major order. */
    double flat(int i) {
        Tensor t = self();
        Tensor one = new Tensor(t.backend(), t.backend().slice(t.storage(), i, 1), Shape.of());
        return t.dtype().isFloat() ? one.toDoubles()[0] : one.toInts()[0];
    }

    /** True if shape, type and every element agree; a NaN agrees with a NaN, 0 does not with −0. */
    public boolean sameAs(Tensor other) {
        Checks.notNull("sameAs", "other", other);
        Tensor t = self();
        return t.shape().equals(other.shape()) && t.dtype() == other.dtype()
                && (t.dtype().isFloat() ? Arrays.equals(t.toDoubles(), other.toDoubles())
                        : Arrays.equals(toInts(), other.toInts()));
    }

    /** True if the shapes agree and a = b or |a − b| ≤ atol + rtol·|b| &lt; ∞ for each a here and b there; false for a NaN. */
    public boolean allClose(Tensor other, double rtol, double atol) {
        Checks.notNull("allClose", "other", other);
        if (!self().shape().equals(other.shape())) {
            return false;
        }
        double[] a = self().toDoubles();
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
        return TensorPrinter.text(self());
    }

    // ---- the same elements elsewhere, or arranged differently

    /** A copy on {@code target}. */
    public Tensor to(Backend target) {
        Checks.notNull("to", "backend", target);
        Tensor t = self();
        int[] dims = t.shape().dims();
        return switch (t.dtype()) {
            case F32 -> of(target, t.toFloats(), dims);
            case F64 -> of(target, DType.F64, t.toDoubles(), dims);
            case I32 -> of(target, toInts(), dims);
        };
    }

    /** A copy with element type {@code type}; to I32, the fraction is cut off. */
    public Tensor to(DType type) {
        Tensor t = self();
        if (Checks.notNull("to", "type", type) == t.dtype()) {
            return to(t.backend());
        }
        int[] dims = t.shape().dims();
        double[] values = t.dtype().isFloat() ? t.toDoubles() : Arrays.stream(toInts()).asDoubleStream().toArray();
        return type.isFloat() ? of(t.backend(), type, values, dims)
                : of(t.backend(), Arrays.stream(values).mapToInt(v -> (int) v).toArray(), dims);
    }

    /**
     * The same elements in another shape of the same size, of which one dimension may be −1: the one that fits. Shares
     * memory.
     */
    public Tensor reshape(int... dims) {
        int[] d = Checks.notNull("reshape", "dims", dims).clone();
        Shape shape = self().shape();
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
            Checks.check(known > 0 && shape.size() % known == 0, "reshape",
                    "%s has %d elements, which %s cannot divide evenly", shape, shape.size(), Shape.text(dims));
            d[free] = (int) (shape.size() / known);
        }
        return self().reshape(Shape.of(d));
    }

    /** Rows [from, from + count) along the first axis; shares memory. */
    public Tensor rows(int from, int count) {
        Tensor t = self();
        Checks.check(t.rank() > 0, "rows", "needs at least 1 axis, shape %s has 0; reshape it first", t.shape());
        Checks.check(from >= 0 && count >= 0 && from + count <= t.dim(0), "rows",
                "[%d, %d) is outside axis 0 of %s, which has %d elements", from, from + count, t.shape(), t.dim(0));
        int row = t.dim(0) == 0 ? 0 : t.size() / t.dim(0);
        return t.view(t.backend().slice(t.storage(), from * row, count * row), t.shape().with(0, count));
    }
}
