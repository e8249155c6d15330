// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor;

import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Kernels.Binary;
import io.eslm.tensor.backend.Kernels.Reduction;
import io.eslm.tensor.backend.Kernels.Unary;
import io.eslm.tensor.backend.Kernels;
import io.eslm.tensor.backend.Storage;
import java.util.Arrays;
import java.util.function.DoubleSupplier;

/**
 * A dense row-major array on one {@link Backend}: a storage and a shape. Operations return new tensors; {@link #reshape} and
 * {@link #rows} share memory with this one, all others copy. Elementwise operations broadcast ({@link Broadcast}), negative
 * axes count from the end, and arithmetic is for F32 and F64. A broken precondition is an {@link IllegalArgumentException}
 * (see {@link Checks}), an index outside its axis an {@link IndexOutOfBoundsException}.
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

    // ---- creation

    /** All zero. */
    public static Tensor zeros(Backend backend, DType type, int... dims) {
        Shape shape = Shape.of(dims);
        Checks.check(backend.supports(type), "zeros", "backend %s has no %s", backend.name(), type);
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

    /** 0, 1, …, n − 1 in shape (n). */
    public static Tensor arange(Backend backend, DType type, int n) {
        int[] values = new int[n];
        Arrays.setAll(values, i -> i);
        return of(backend, values, n).to(type);
    }

    /** Normal with mean 0 and standard deviation {@code std}, drawn from {@code rng} in row-major order. */
    public static Tensor randn(Backend backend, DType type, Rng rng, double std, int... dims) {
        return drawn(backend, type, () -> std * rng.nextGaussian(), dims);
    }

    /** Uniform in [low, high), drawn from {@code rng} in row-major order. */
    public static Tensor uniform(Backend backend, DType type, Rng rng, double low, double high, int... dims) {
        return drawn(backend, type, () -> low + (high - low) * rng.nextDouble(), dims);
    }

    private static Tensor drawn(Backend backend, DType type, DoubleSupplier draw, int... dims) {
        double[] values = new double[Shape.of(dims).size()];
        Arrays.setAll(values, i -> draw.getAsDouble());
        return of(backend, type, values, dims);
    }

    // ---- what it is

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
        Storage one = backend.slice(storage, i, 1);
        if (dtype().isFloat()) {
            double[] value = new double[1];
            backend.read(one, value, 0, 1);
            return value[0];
        }
        int[] value = new int[1];
        backend.read(one, value, 0, 1);
        return value[0];
    }

    /** True if shape, type and every element agree; a NaN agrees with a NaN, 0 does not with −0. */
    public boolean sameAs(Tensor other) {
        return shape.equals(other.shape) && dtype() == other.dtype()
                && (dtype().isFloat() ? Arrays.equals(toDoubles(), other.toDoubles())
                        : Arrays.equals(toInts(), other.toInts()));
    }

    /** True if the shapes agree and a = b or |a − b| ≤ atol + rtol·|b| &lt; ∞ for each a here and b there; false for a NaN. */
    public boolean allClose(Tensor other, double rtol, double atol) {
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

    /** NumPy's layout, large tensors abbreviated with …, then shape and type. */
    @Override
    public String toString() {
        return TensorPrinter.text(this);
    }

    // ---- the same elements elsewhere, or arranged differently

    /** A copy on {@code target}. */
    public Tensor to(Backend target) {
        return switch (dtype()) {
            case F32 -> of(target, toFloats(), shape.dims());
            case F64 -> of(target, DType.F64, toDoubles(), shape.dims());
            case I32 -> of(target, toInts(), shape.dims());
        };
    }

    /** A copy with element type {@code type}; to I32 by cutting off the fraction. */
    public Tensor to(DType type) {
        if (type == dtype()) {
            return to(backend);
        }
        double[] values = dtype().isFloat() ? toDoubles() : Arrays.stream(toInts()).asDoubleStream().toArray();
        return type.isFloat() ? of(backend, type, values, shape.dims())
                : of(backend, Arrays.stream(values).mapToInt(v -> (int) v).toArray(), shape.dims());
    }

    /** The same elements in another shape of the same size, of which one may be −1: the one that fits. Shares memory. */
    public Tensor reshape(int... dims) {
        return new Tensor(backend, storage, Moves.reshaped(shape, dims));
    }

    /** Rows [from, from + count) along the first axis; shares memory. */
    public Tensor rows(int from, int count) {
        Checks.rankAtLeast("rows", 1, shape);
        Checks.range("rows", from, from + count, 0, shape);
        int row = dim(0) == 0 ? 0 : size() / dim(0);
        return new Tensor(backend, backend.slice(storage, from * row, count * row), shape.with(0, count));
    }

    /** Axis a of the result is axis {@code axes[a]} of this one. */
    public Tensor permute(int... axes) {
        return Moves.permute(this, axes);
    }

    /** Two axes exchanged. */
    public Tensor transpose(int axis1, int axis2) {
        int[] axes = new int[rank()];
        Arrays.setAll(axes, i -> i);
        int a = Checks.axis("transpose", axis1, shape);
        int b = Checks.axis("transpose", axis2, shape);
        axes[a] = b;
        axes[b] = a;
        return Moves.permute(this, axes);
    }

    /** Indices [from, to) along {@code axis}. */
    public Tensor slice(int axis, int from, int to) {
        return Moves.slice(this, axis, from, to);
    }

    /** The parts one after the other along {@code axis}; their other dimensions agree. */
    public static Tensor concat(int axis, Tensor... parts) {
        return Moves.concat(axis, parts);
    }

    /** y[i…, :] = this[ids[i…], :]: the rows (along the first axis) that {@code ids} names; ids I32 of any shape. */
    public Tensor gatherRows(Tensor ids) {
        return Moves.gatherRows(this, ids);
    }

    /** The sum over the axes along which {@code target} broadcasts to this shape: the transpose of broadcasting. */
    public Tensor sumTo(Shape target) {
        return Reductions.sumTo(this, target);
    }

    // ---- elementwise

    public Tensor add(Tensor b) {
        return binary("add", Binary.ADD, b);
    }

    public Tensor add(double b) {
        return binary("add", Binary.ADD, scalar(b));
    }

    public Tensor sub(Tensor b) {
        return binary("sub", Binary.SUB, b);
    }

    public Tensor sub(double b) {
        return binary("sub", Binary.SUB, scalar(b));
    }

    public Tensor mul(Tensor b) {
        return binary("mul", Binary.MUL, b);
    }

    public Tensor mul(double b) {
        return binary("mul", Binary.MUL, scalar(b));
    }

    public Tensor div(Tensor b) {
        return binary("div", Binary.DIV, b);
    }

    public Tensor div(double b) {
        return binary("div", Binary.DIV, scalar(b));
    }

    /** The larger of each pair; NaN if either is. */
    public Tensor maximum(Tensor b) {
        return binary("maximum", Binary.MAX, b);
    }

    public Tensor maximum(double b) {
        return binary("maximum", Binary.MAX, scalar(b));
    }

    /** The smaller of each pair; NaN if either is. */
    public Tensor minimum(Tensor b) {
        return binary("minimum", Binary.MIN, b);
    }

    public Tensor minimum(double b) {
        return binary("minimum", Binary.MIN, scalar(b));
    }

    public Tensor pow(Tensor b) {
        return binary("pow", Binary.POW, b);
    }

    public Tensor pow(double b) {
        return binary("pow", Binary.POW, scalar(b));
    }

    /** 1 where this ≥ b, else 0. */
    public Tensor ge(Tensor b) {
        return binary("ge", Binary.GREATER_EQUAL, b);
    }

    public Tensor ge(double b) {
        return binary("ge", Binary.GREATER_EQUAL, scalar(b));
    }

    public Tensor neg() {
        return unary("neg", Unary.NEG);
    }

    public Tensor exp() {
        return unary("exp", Unary.EXP);
    }

    /** Natural logarithm. */
    public Tensor log() {
        return unary("log", Unary.LOG);
    }

    public Tensor sqrt() {
        return unary("sqrt", Unary.SQRT);
    }

    public Tensor tanh() {
        return unary("tanh", Unary.TANH);
    }

    public Tensor abs() {
        return unary("abs", Unary.ABS);
    }

    public Tensor relu() {
        return unary("relu", Unary.RELU);
    }

    public Tensor square() {
        return unary("square", Unary.SQUARE);
    }

    public Tensor reciprocal() {
        return unary("reciprocal", Unary.RECIPROCAL);
    }

    /** 1/(1 + exp(−x)). */
    public Tensor sigmoid() {
        return unary("sigmoid", Unary.SIGMOID);
    }

    /** GELU in its tanh form; see {@link Kernels#gelu}. */
    public Tensor gelu() {
        Tensor y = like("gelu");
        kernels().gelu(y.storage, storage, size());
        return y;
    }

    private Tensor unary(String op, Unary f) {
        Tensor y = like(op);
        kernels().unary(f, y.storage, storage, size());
        return y;
    }

    private Tensor binary(String op, Binary f, Tensor b) {
        Checks.sameBackend(op, backend, b.backend);
        Checks.sameType(op, dtype(), b.dtype());
        Checks.floating(op, dtype());
        Tensor y = zeros(backend, dtype(), Broadcast.shape(op, shape, b.shape).dims());
        kernels().binary(f, y.storage, storage, b.storage, y.shape.dims(), Broadcast.strides(shape, y.shape),
                Broadcast.strides(b.shape, y.shape));
        return y;
    }

    private Tensor scalar(double value) {
        return full(backend, dtype(), value);
    }

    /** A zeroed tensor of this shape and type, which must be a floating-point one. */
    private Tensor like(String op) {
        Checks.floating(op, dtype());
        return zeros(backend, dtype(), shape.dims());
    }

    // ---- reductions

    /** Sum over {@code axis}, which disappears, or stays as 1 with {@code keepDims}. */
    public Tensor sum(int axis, boolean keepDims) {
        return Reductions.reduce("sum", Reduction.SUM, this, axis, keepDims);
    }

    public Tensor sum(int axis) {
        return sum(axis, false);
    }

    /** Sum of all elements, of rank 0. */
    public Tensor sum() {
        return reshape(size()).sum(0, false);
    }

    /** Mean over {@code axis}; NaN if it is empty. */
    public Tensor mean(int axis, boolean keepDims) {
        return sum(axis, keepDims).div(dim(axis));
    }

    public Tensor mean(int axis) {
        return mean(axis, false);
    }

    /** Mean of all elements, of rank 0. */
    public Tensor mean() {
        return sum().div(size());
    }

    /** Mean of the squared distances from the mean over {@code axis} (biased: divided by n, as in layer normalisation). */
    public Tensor variance(int axis, boolean keepDims) {
        return sub(mean(axis, true)).square().mean(axis, keepDims);
    }

    /** Largest element over {@code axis}; NaN if there is one. */
    public Tensor max(int axis, boolean keepDims) {
        return Reductions.reduce("max", Reduction.MAX, this, axis, keepDims);
    }

    public Tensor max(int axis) {
        return max(axis, false);
    }

    public Tensor max() {
        return reshape(size()).max(0, false);
    }

    /** Smallest element over {@code axis}; NaN if there is one. */
    public Tensor min(int axis, boolean keepDims) {
        return Reductions.reduce("min", Reduction.MIN, this, axis, keepDims);
    }

    public Tensor min(int axis) {
        return min(axis, false);
    }

    public Tensor min() {
        return reshape(size()).min(0, false);
    }

    /** Index of the largest element over {@code axis}, the smallest such index; I32. */
    public Tensor argmax(int axis) {
        return Reductions.argmax(this, axis);
    }

    // ---- products and rows

    /** y = this·b over the last two axes, the leading ones broadcast: (…, m, k)·(…, k, n) → (…, m, n). */
    public Tensor matmul(Tensor b) {
        return matmul(b, false, false);
    }

    /** {@link #matmul(Tensor)} with this stored (…, k, m) if {@code transA}, b (…, n, k) if {@code transB}; no copies. */
    public Tensor matmul(Tensor b, boolean transA, boolean transB) {
        return Products.matmul(this, b, transA, transB);
    }

    /** exp(x − max) / Σ over the last axis. */
    public Tensor softmax() {
        Tensor y = like("softmax");
        kernels().softmax(y.storage, storage, shape.rows(), shape.cols());
        return y;
    }

    /** x − max − log Σ exp(x − max) over the last axis. */
    public Tensor logSoftmax() {
        Tensor shifted = sub(max(-1, true));
        return shifted.sub(shifted.exp().sum(-1, true).log());
    }

    private void checkLength(String op, int length) {
        Checks.check(length == size(), op, "%d values do not fill shape %s (%d elements)", length, shape, size());
    }
}
