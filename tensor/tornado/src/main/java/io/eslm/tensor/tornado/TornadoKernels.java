// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.tornado;

import io.eslm.tensor.DType;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.DeviceKernels;
import io.eslm.tensor.backend.Dropouts;
import io.eslm.tensor.backend.Kernels;
import io.eslm.tensor.backend.Storage;

/**
 * The kernels of the seam, each as one or a few launches of {@link DeviceKernel}s. What the CPU does in one pass and a
 * device cannot (a sum over workgroups) is split into parts in scratch memory, and their sum. A kernel that is missing
 * here runs on the host. Equations and shapes: {@link Kernels}.
 */
final class TornadoKernels extends DeviceKernels {
    private static final int MOST_AXES = 8;
    private final DeviceMemory memory;
    private final Scratch scratch;
    /** Null where attention goes tile by tile. */
    private final DeviceAttention products;
    private final TiledAttention tiles;
    private final DeviceOptimizer optimizer;

    TornadoKernels(DeviceMemory memory, Backend backend) {
        super(backend);
        this.memory = memory;
        scratch = new Scratch(memory);
        products = memory.device.attentionByProducts() ? new DeviceAttention(memory.device, scratch) : null;
        tiles = new TiledAttention(memory.device, scratch);
        optimizer = new DeviceOptimizer(memory, scratch);
    }

    /** {@link io.eslm.tensor.backend.BackendInfo#scoreBytes}. */
    long scoreBytes(int batch, int time, int heads) {
        return !byProducts(time, time, heads) ? 0 : products.scoreBytes(batch, time, heads);
    }

    private boolean byProducts(int queries, int keys, int heads) {
        return products != null && products.fits(queries, keys, heads);
    }

    private Call call() {
        return new Call(memory.device);
    }

    @Override
    protected void runFill(Storage y, int n, double value) {
        if (y.dtype() == DType.I32) {
            call().ints(y).with(n, (int) value).each(DeviceKernel.FILL_INTS, n);
        } else {
            call().with(y).with(n).scalars(value).each(DeviceKernel.FILL, n);
        }
    }

    @Override
    protected void runCopy(Storage y, Storage x, int n) {
        runCopy2d(y, 0, n, x, 0, n, 1, n);
    }

    @Override
    protected void runUnary(Unary f, Storage y, Storage x, int n) {
        call().with(f.ordinal()).with(y, x).with(n).each(DeviceKernel.UNARY, n);
    }

    @Override
    protected void runBinary(Binary f, Storage y, Storage a, Storage b, int[] dims, int[] aStrides, int[] bStrides) {
        int n = elements(dims);
        call().with(f.ordinal()).with(y, a, b).with(n, dims.length).with(dims).with(aStrides).with(bStrides)
                .each(DeviceKernel.BINARY, n);
    }

    /** The number of elements of an array with {@code dims}, whose rank must fit the control array. */
    private static int elements(int[] dims) {
        if (dims.length > MOST_AXES) {
            throw new IllegalArgumentException(
                    "tornado: " + dims.length + " axes where " + MOST_AXES + " are the most; reshape to fewer");
        }
        int n = 1;
        for (int d : dims) {
            n *= d;
        }
        return n;
    }

    @Override
    protected void runAxpby(Storage y, Storage x, int n, double alpha, double beta) {
        call().with(y, x).with(n, beta == 0 ? 0 : 1).scalars(alpha, beta).each(DeviceKernel.AXPBY, n);
    }

    @Override
    protected void runReduce(Reduction f, Storage y, Storage x, int outer, int axis, int inner) {
        double empty = switch (f) {
            case SUM -> 0;
            case MAX -> Double.NEGATIVE_INFINITY;
            case MIN -> Double.POSITIVE_INFINITY;
        };
        if (inner == 1) {
            call().with(f.ordinal()).with(y, x).with(axis).scalars(empty).rows(DeviceKernel.REDUCE_ROWS, outer);
        } else {
            call().with(f.ordinal()).with(y, x).with(outer * inner, axis, inner).scalars(empty)
                    .each(DeviceKernel.REDUCE_COLUMNS, outer * inner);
        }
    }

    @Override
    protected void runArgmax(Storage y, Storage x, int rows, int cols) {
        call().ints(y).with(x).with(cols).rows(DeviceKernel.ARGMAX, rows);
    }

    @Override
    protected void runPermute(Storage y, Storage x, int[] dims, int[] permutation) {
        int rank = dims.length;
        int n = elements(dims);
        int[] strides = new int[rank];
        int stride = 1;
        for (int axis = rank - 1; axis >= 0; axis--) {
            strides[axis] = stride;
            stride *= dims[axis];
        }
        int[] yDims = new int[rank];
        int[] xStrides = new int[rank];
        for (int axis = 0; axis < rank; axis++) {
            yDims[axis] = dims[permutation[axis]];
            xStrides[axis] = strides[permutation[axis]];
        }
        operands(y, x).with(n, rank).with(yDims).with(xStrides)
                .each(isInts(y) ? DeviceKernel.PERMUTE_INTS : DeviceKernel.PERMUTE, n);
    }

    private static boolean isInts(Storage s) {
        return s.dtype() == DType.I32;
    }

    /** Operands of floats or of ints, whatever both are. */
    private Call operands(Storage y, Storage x) {
        return isInts(y) ? call().ints(y, x) : call().with(y, x);
    }

    @Override
    protected void runCopy2d(Storage y, int yFrom, int yStride, Storage x, int xFrom, int xStride, int rows, int cols) {
        int n = rows * cols;
        if (isInts(y)) {
            call().ints(y, yFrom).with(yStride).ints(x, xFrom).with(xStride, n, cols).each(DeviceKernel.COPY2D_INTS, n);
        } else {
            call().from(y, yFrom).with(yStride).from(x, xFrom).with(xStride, n, cols).each(DeviceKernel.COPY2D, n);
        }
    }

    @Override
    protected void runGatherRows(Storage y, Storage x, Storage rows, int count, int cols) {
        int n = count * cols;
        operands(y, x).ints(rows).with(n, cols)
                .each(isInts(y) ? DeviceKernel.GATHER_ROWS_INTS : DeviceKernel.GATHER_ROWS, n);
    }

    @Override
    protected void runScatterAddRows(Storage y, Storage x, Storage rows, int count, int cols) {
        DeviceStorage links = scratch.ints(2 * count);
        Storage first = links.slice(0, count);
        Storage next = links.slice(count, count);
        call().ints(rows).with(count).ints(first, next).each(DeviceKernel.LINK_ROWS, count);
        int n = count * cols;
        call().with(y, x).ints(rows).with(n, cols).ints(first, next).each(DeviceKernel.ADD_LINKED_ROWS, n);
    }

    @Override
    protected void runMatmul(Storage y, Storage a, Storage b, int m, int k, int n, boolean transA, boolean transB,
            boolean accumulate) {
        new Product(y, a, b, m, k, n).transposed(transA, transB).accumulate(accumulate).launch(memory.device);
    }

    @Override
    protected void runBatchedMatmul(Storage y, Storage a, Storage b, int batch, int yStride, int aStride, int bStride,
            int m,
            int k, int n, boolean transA, boolean transB) {
        new Product(y, a, b, m, k, n).transposed(transA, transB).batch(batch, 1, yStride, aStride, bStride, 0, 0, 0)
                .launch(memory.device);
    }

    @Override
    protected void runLinear(Storage y, Storage x, Storage w, Storage bias, Storage residual, int m, int k, int n) {
        new Product(y, x, w, m, k, n).then(bias, residual, null).launch(memory.device);
    }

    @Override
    protected void runLinearGelu(Storage y, Storage pre, Storage x, Storage w, Storage bias, int m, int k, int n) {
        new Product(y, x, w, m, k, n).then(bias, null, pre).launch(memory.device);
    }

    @Override
    protected void runColumnSum(Storage y, Storage x, int rows, int cols, boolean accumulate) {
        int parts = parts(rows);
        Storage sums = scratch.floats(parts * cols);
        call().with(sums, x).with(parts * cols, rows, cols).each(DeviceKernel.COLUMN_SUM_PARTS, parts * cols);
        call().with(y, sums).with(cols, parts, accumulate ? 1 : 0).each(DeviceKernel.COLUMN_SUM, cols);
    }

    private static int parts(int rows) {
        return (rows + RowKernels.PART - 1) / RowKernels.PART;
    }

    @Override
    protected void runSoftmax(Storage y, Storage x, int rows, int cols) {
        call().with(y, x).with(cols).scalars(Double.NEGATIVE_INFINITY).rows(DeviceKernel.SOFTMAX, rows);
    }

    @Override
    protected void runSoftmaxBackward(Storage dx, Storage y, Storage dy, int rows, int cols) {
        call().with(dx, y, dy).with(cols).rows(DeviceKernel.SOFTMAX_BACKWARD, rows);
    }

    @Override
    protected void runLayerNorm(Storage y, Storage mean, Storage rstd, Storage x, Storage gamma, Storage beta, int rows,
            int cols, double eps) {
        call().with(y, mean, rstd, x, gamma, beta).with(cols).scalars(eps).rows(DeviceKernel.LAYER_NORM, rows);
    }

    @Override
    protected void runLayerNormBackward(Storage dx, Storage dgamma, Storage dbeta, Storage dy, Storage x, Storage mean,
            Storage rstd, Storage gamma, int rows, int cols, boolean accumulateX, boolean accumulateW) {
        int parts = parts(rows);
        int n = parts * cols;
        DeviceStorage sums = scratch.floats(2 * n);
        Storage gammaSums = sums.slice(0, n);
        Storage betaSums = sums.slice(n, n);
        call().with(gammaSums, betaSums, dy, x, mean, rstd).with(n, rows, cols).each(DeviceKernel.LAYER_NORM_PARTS, n);
        call().with(dgamma, dbeta, gammaSums, betaSums).with(cols, parts, accumulateW ? 1 : 0)
                .each(DeviceKernel.LAYER_NORM_WEIGHTS, cols);
        call().with(dx, dy, x, mean, rstd, gamma).with(cols, accumulateX ? 1 : 0)
                .rows(DeviceKernel.LAYER_NORM_BACKWARD, rows);
    }

    @Override
    protected void runGelu(Storage y, Storage x, int n) {
        call().with(y, x).with(n).each(DeviceKernel.GELU, n);
    }

    @Override
    protected void runGeluBackward(Storage dx, Storage x, Storage dy, int n) {
        call().with(dx, x, dy).with(n).each(DeviceKernel.GELU_BACKWARD, n);
    }

    @Override
    protected void runDropout(Storage y, Storage x, int n, double p, int seed) {
        call().with(y, x).with(n, seed, Dropouts.threshold(p)).scalars(1 / (1 - p)).each(DeviceKernel.DROPOUT, n);
    }

    @Override
    protected void runEmbedding(Storage y, Storage ids, Storage wte, Storage wpe, int batch, int time, int width,
            int from) {
        int n = batch * time * width;
        call().with(y).ints(ids).with(wte).from(wpe, from * width).with(n, time, width)
                .each(DeviceKernel.EMBEDDING, n);
    }

    @Override
    protected void runEmbeddingBackward(Storage dwte, Storage dwpe, Storage dy, Storage ids, int batch, int time,
            int width) {
        if (dwte != null) {
            runScatterAddRows(dwte, dy, ids, batch * time, width);
        }
        if (dwpe != null) {
            call().with(dwpe, dy).with(time * width, batch).each(DeviceKernel.ADD_POSITIONS, time * width);
        }
    }

    @Override
    protected void runAttention(Storage y, Storage lse, Storage qkv, Storage starts, int batch, int time, int heads,
            int headSize, double p, int seed) {
        if (starts == null && byProducts(time, time, heads)) {
            products.forward(y, lse, qkv, batch, time, heads, headSize, p, seed);
        } else {
            tiles.forward(y, lse, qkv, starts, batch, time, heads, headSize, p, seed);
        }
    }

    @Override
    protected void runAttentionBackward(Storage dqkv, Storage dy, Storage rows, int count, Storage qkv, Storage y,
            Storage lse, Storage starts, int batch, int time, int heads, int headSize, double p, int seed) {
        if (starts == null && byProducts(time, time, heads)) {
            products.backward(dqkv, dy, rows, count, qkv, y, lse, batch, time, heads, headSize, p, seed);
        } else {
            tiles.backward(dqkv, dy, rows, count, qkv, y, lse, starts, batch, time, heads, headSize, p, seed);
        }
    }

    @Override
    protected void runAttentionCached(Storage y, Storage keys, Storage values, Storage qkv, int batch, int time,
            int past,
            int capacity, int heads, int headSize) {
        int width = heads * headSize;
        int n = batch * time * width;
        int at = 0;
        for (Storage cache : new Storage[] {keys, values}) {
            at += width;
            call().with(cache).from(qkv, at).with(n, time, past, capacity, heads, headSize)
                    .each(DeviceKernel.ATTENTION_STORE, n);
        }
        if (byProducts(time, past + time, heads)) {
            products.cached(y, keys, values, qkv, batch, time, past, capacity, heads, headSize);
        } else {
            tiles.cached(y, keys, values, qkv, batch, time, past, capacity, heads, headSize);
        }
    }

    @Override
    protected void runCrossEntropy(Storage loss, Storage entropy, Storage lse, Storage logits, Storage targets,
            int rows,
            int cols) {
        call().with(loss, entropy, lse, logits).ints(targets).with(cols).scalars(Double.NEGATIVE_INFINITY)
                .rows(DeviceKernel.CROSS_ENTROPY, rows);
    }

    @Override
    protected void runCrossEntropyBackward(Storage dlogits, Storage logits, Storage lse, Storage targets, Storage rows,
            Storage weights, int count, int cols) {
        Call call = call().with(dlogits, logits, lse).ints(targets, rows).with(weights).with(count * cols, cols);
        if (rows != null && DeviceStorage.of(dlogits).beginsWith(DeviceStorage.of(logits))) {
            call.each(DeviceKernel.CROSS_ENTROPY_BACKWARD_IN_PLACE, cols);
        } else {
            call.each(DeviceKernel.CROSS_ENTROPY_BACKWARD, count * cols);
        }
    }

    @Override
    protected void runTail(Storage rows, Storage x, int m, int k) {
        Storage threshold = scratch.floats(1);
        runFill(threshold, 1, Double.NEGATIVE_INFINITY);
        call().with(threshold, x).with(m, k).each(DeviceKernel.THRESHOLD, m);
        call().ints(rows).with(threshold, x).with(m, m - k + 1).rows(DeviceKernel.TAIL, 1);
    }

    @Override
    protected void runDocumentStarts(Storage starts, Storage ids, int batch, int time, int end) {
        call().ints(starts, ids).with(batch * time, time, end).each(DeviceKernel.DOCUMENT_STARTS, batch * time);
    }

    @Override
    protected void runDistillation(Storage kl, Storage lse, Storage teacherLse, Storage logits, Storage teacher,
            Storage rows,
            int count, int cols, double temperature) {
        call().with(kl, lse, teacherLse, logits, teacher).ints(rows).with(cols)
                .scalars(Double.NEGATIVE_INFINITY, 1 / temperature).rows(DeviceKernel.DISTILLATION, count);
    }

    @Override
    protected void runDistillationBackward(Storage dlogits, Storage logits, Storage teacher, Storage hardLse,
            Storage lse,
            Storage teacherLse, Storage targets, Storage rows, Storage weights, int count, int cols, double temperature,
            double mix) {
        Call call = call().with(dlogits, logits, teacher, hardLse, lse, teacherLse).ints(targets, rows).with(weights)
                .with(count * cols, cols).scalars(1 / temperature, 1 - mix, mix * temperature);
        if (rows != null && DeviceStorage.of(dlogits).beginsWith(DeviceStorage.of(logits))) {
            call.each(DeviceKernel.DISTILLATION_BACKWARD_IN_PLACE, cols);
        } else {
            call.each(DeviceKernel.DISTILLATION_BACKWARD, count * cols);
        }
    }

    @Override
    protected void runAddSumOfSquares(Storage y, Storage[] xs, int[] sizes) {
        optimizer.addSumOfSquares(y, xs, sizes);
    }

    @Override
    protected void runAdamW(Storage[] params, Storage[] grads, Storage[] m, Storage[] v, int[] sizes, boolean[] decays,
            double lr, double beta1, double beta2, double eps, double decay, double correction1, double correction2,
            double gradScale) {
        optimizer.adamW(params, grads, m, v, sizes, decays, beta1, 1 - beta1, beta2, 1 - beta2, lr * decay,
                lr / correction1, 1 / correction2, eps, gradScale);
    }
}
