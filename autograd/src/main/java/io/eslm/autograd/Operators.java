// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd;

import io.eslm.autograd.op.Affine;
import io.eslm.autograd.op.CausalAttention;
import io.eslm.autograd.op.Gather;
import io.eslm.autograd.op.LayerNorm;
import io.eslm.autograd.op.MatMul;
import io.eslm.autograd.op.basic.AvgPool;
import io.eslm.autograd.op.basic.BceWithLogits;
import io.eslm.autograd.op.basic.Concat;
import io.eslm.autograd.op.basic.Conv;
import io.eslm.autograd.op.basic.CrossEntropy;
import io.eslm.autograd.op.basic.CumSum;
import io.eslm.autograd.op.basic.EmbeddingBag;
import io.eslm.autograd.op.basic.KlDiv;
import io.eslm.autograd.op.basic.L1;
import io.eslm.autograd.op.basic.LogSoftmax;
import io.eslm.autograd.op.basic.LogSumExp;
import io.eslm.autograd.op.basic.Max;
import io.eslm.autograd.op.basic.MaxPool;
import io.eslm.autograd.op.basic.Mean;
import io.eslm.autograd.op.basic.Min;
import io.eslm.autograd.op.basic.Mse;
import io.eslm.autograd.op.basic.Permute;
import io.eslm.autograd.op.basic.Reshape;
import io.eslm.autograd.op.basic.RmsNorm;
import io.eslm.autograd.op.basic.Rotary;
import io.eslm.autograd.op.basic.ScaledDotProduct;
import io.eslm.autograd.op.basic.Slice;
import io.eslm.autograd.op.basic.Softmax;
import io.eslm.autograd.op.basic.Std;
import io.eslm.autograd.op.basic.Sum;
import io.eslm.autograd.op.basic.TopK;
import io.eslm.autograd.op.basic.Var;
import io.eslm.tensor.Checks;
import io.eslm.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * The ops as methods of {@link Variable}, in PyTorch's words: {@code x.matmul(w).add(b).gelu()}. Each one applies its op on the
 * tape of its operands. An axis counts from the end if negative.
 */
abstract sealed class Operators extends PointwiseOperators permits Variable {

    // ---- over an axis, or over all elements

    /** Σ of all elements → (). */
    public final Variable sum() {
        return apply(new Sum(null, false));
    }

    /** Σ over one axis, which goes. */
    public final Variable sum(int axis) {
        return sum(axis, false);
    }

    /** Σ over one axis, which stays with length 1 if {@code keepDims}. */
    public final Variable sum(int axis, boolean keepDims) {
        return apply(new Sum(axis, keepDims));
    }

    /** Mean of all elements → (). */
    public final Variable mean() {
        return apply(new Mean(null, false));
    }

    /** Mean over one axis, which goes. */
    public final Variable mean(int axis) {
        return mean(axis, false);
    }

    /** Mean over one axis, which stays with length 1 if {@code keepDims}. */
    public final Variable mean(int axis, boolean keepDims) {
        return apply(new Mean(axis, keepDims));
    }

    /** The largest element → (). */
    public final Variable max() {
        return apply(new Max(null, false));
    }

    /** The largest over one axis, which goes. */
    public final Variable max(int axis) {
        return max(axis, false);
    }

    /** The largest over one axis, which stays with length 1 if {@code keepDims}. */
    public final Variable max(int axis, boolean keepDims) {
        return apply(new Max(axis, keepDims));
    }

    /** The smallest element → (). */
    public final Variable min() {
        return apply(new Min(null, false));
    }

    /** The smallest over one axis, which goes. */
    public final Variable min(int axis) {
        return min(axis, false);
    }

    /** The smallest over one axis, which stays with length 1 if {@code keepDims}. */
    public final Variable min(int axis, boolean keepDims) {
        return apply(new Min(axis, keepDims));
    }

    /** Σ (x − mean)²/(n − 1) over one axis, which goes; another divisor, or all axes: {@link Var}. */
    public final Variable var(int axis) {
        return apply(new Var(axis, false, 1));
    }

    /** √var over one axis, which goes; another divisor, or all axes: {@link Std}. */
    public final Variable std(int axis) {
        return apply(new Std(axis, false, 1));
    }

    /** log Σ e^x over one axis, which goes. */
    public final Variable logSumExp(int axis) {
        return logSumExp(axis, false);
    }

    /** log Σ e^x over one axis, which stays with length 1 if {@code keepDims}. */
    public final Variable logSumExp(int axis, boolean keepDims) {
        return apply(new LogSumExp(axis, keepDims));
    }

    /** Running sums along one axis. */
    public final Variable cumsum(int axis) {
        return apply(new CumSum(axis));
    }

    /** The k largest of each row, largest first: (…, C) → (…, k); {@code indices} (…, k), I32, receives their columns. */
    public final Variable topk(int k, Tensor indices) {
        return apply(new TopK(k, indices));
    }

    /** softmax over the last axis. */
    public final Variable softmax() {
        return apply(new Softmax());
    }

    /** log softmax over the last axis. */
    public final Variable logSoftmax() {
        return apply(new LogSoftmax());
    }

    // ---- shape

    /** The same elements in another shape of the same size, of which one dimension may be −1: the one that fits. */
    public final Variable reshape(int... dims) {
        return apply(new Reshape(value().reshape(dims).shape()));
    }

    /** Axis a of the result is axis {@code axes[a]} of this. */
    public final Variable permute(int... axes) {
        return apply(Permute.of(axes));
    }

    /** Exchanges the last two axes: (…, m, n) → (…, n, m). */
    public final Variable transpose() {
        return transpose(-2, -1);
    }

    /** Exchanges two axes. */
    public final Variable transpose(int axis1, int axis2) {
        int a = Checks.axis("transpose", axis1, shape());
        int b = Checks.axis("transpose", axis2, shape());
        return permute(IntStream.range(0, shape().rank()).map(i -> i == a ? b : i == b ? a : i).toArray());
    }

    /** Indices [from, to) along one axis. */
    public final Variable slice(int axis, int from, int to) {
        return apply(new Slice(axis, from, to - from));
    }

    /** Pieces of {@code size} along one axis, the last one shorter where it does not divide. */
    public final List<Variable> split(int size, int axis) {
        Checks.check(size >= 1, "split", "size %d must be at least 1", size);
        int n = shape().dim(axis);
        List<Variable> pieces = new ArrayList<>();
        for (int from = 0; from < n; from += size) {
            pieces.add(slice(axis, from, Math.min(n, from + size)));
        }
        return pieces;
    }

    /** The parts one after the other along one axis; all other axes are equal. */
    public static Variable concat(int axis, Variable... parts) {
        Checks.check(parts.length > 0, "concat", "needs at least one part");
        return parts[0].apply(new Concat(axis), List.of(parts).subList(1, parts.length).toArray(Variable[]::new));
    }

    /** Parts of equal shape side by side along a new axis: n parts (…) → (…, n, …). */
    public static Variable stack(int axis, Variable... parts) {
        Checks.check(parts.length > 0, "stack", "needs at least one part");
        int rank = parts[0].shape().rank() + 1;
        int at = axis < 0 ? axis + rank : axis;
        Checks.check(at >= 0 && at < rank, "stack", "axis %d is outside the %d axes of the result", axis, rank);
        int[] dims =
                IntStream.range(0, rank).map(i -> i == at ? 1 : parts[0].shape().dim(i < at ? i : i - 1)).toArray();
        return concat(at, Stream.of(parts).map(p -> p.reshape(dims)).toArray(Variable[]::new));
    }

    /** The rows along the first axis that {@code indices} (K), I32, names: (N, …) → (K, …). */
    public final Variable gather(Tensor indices) {
        return apply(new Gather(indices));
    }

    // ---- layers

    /** The matrix product this·b: (…, m, k)·(…, k, n) → (…, m, n). */
    public final Variable matmul(Variable b) {
        return apply(new MatMul(), b);
    }

    /** this·bᵀ without a copy of b: (…, m, k), (…, n, k) → (…, m, n). */
    public final Variable matmulTransposed(Variable b) {
        return apply(new MatMul(false, true), b);
    }

    /** this·w + bias: (M, in), w (in, out), bias (out) → (M, out). */
    public final Variable linear(Variable w, Variable bias) {
        return apply(new Affine(), w, bias);
    }

    /** Layer normalisation over the last axis with eps 1e-5: (…, C), gamma (C), beta (C) → same shape. */
    public final Variable layerNorm(Variable gamma, Variable beta) {
        return apply(new LayerNorm(1e-5), gamma, beta);
    }

    /** Root mean square normalisation over the last axis with eps 1e-5: (…, C), gamma (C) → same shape. */
    public final Variable rmsNorm(Variable gamma) {
        return apply(new RmsNorm(1e-5), gamma);
    }

    /** Convolution with stride 1 and no padding: (B, C, L), w (O, C, K), bias (O) → (B, O, L − K + 1). */
    public final Variable conv1d(Variable w, Variable bias) {
        return conv(3, w, bias, 1, 0);
    }

    /** Convolution: (B, C, L), w (O, C, K), bias (O) → (B, O, OL) with OL as in {@link Conv}. */
    public final Variable conv1d(Variable w, Variable bias, int stride, int padding) {
        return conv(3, w, bias, stride, padding);
    }

    /** Convolution with stride 1, no padding: (B, C, H, W), w (O, C, KH, KW), bias (O) → (B, O, H − KH + 1, W − KW + 1). */
    public final Variable conv2d(Variable w, Variable bias) {
        return conv(4, w, bias, 1, 0);
    }

    /** Convolution: (B, C, H, W), w (O, C, KH, KW), bias (O) → (B, O, OH, OW) with OH, OW as in {@link Conv}. */
    public final Variable conv2d(Variable w, Variable bias, int stride, int padding) {
        return conv(4, w, bias, stride, padding);
    }

    private Variable conv(int rank, Variable w, Variable bias, int stride, int padding) {
        Checks.check(shape().rank() == rank, "conv" + (rank - 2) + "d", "needs %d axes, was given %s", rank, shape());
        return apply(new Conv(stride, padding, 1), w, bias);
    }

    /** The largest of each window of kernel·kernel elements; (B, C, H, W) → (B, C, H/kernel, W/kernel). */
    public final Variable maxPool2d(int kernel) {
        return apply(new MaxPool(kernel, kernel, 0));
    }

    /** The mean of each window of kernel·kernel elements; (B, C, H, W) → (B, C, H/kernel, W/kernel). */
    public final Variable avgPool2d(int kernel) {
        return apply(new AvgPool(kernel, kernel, 0));
    }

    /** Sums of rows of this table (V, C), one for each row of {@code ids} (B, L), I32 → (B, C); means: {@link EmbeddingBag}. */
    public final Variable embeddingBag(Tensor ids) {
        return apply(new EmbeddingBag(ids, false));
    }

    /** Rotary position embedding with base 10000 from position 0 on: (…, T, D) → same shape. */
    public final Variable rotary() {
        return apply(new Rotary(10000, 0));
    }

    /** softmax(q·kᵀ/√D)·v with this as q, position i seeing no later one if {@code causal}: all (…, T, D). */
    public final Variable attention(Variable k, Variable v, boolean causal) {
        return ScaledDotProduct.of(onTape("attention"), (Variable) this, k, v, causal);
    }

    /** Multi-head causal self-attention in one op: this is qkv (B·T, 3C) → (B·T, C). */
    public final Variable causalAttention(int batch, int heads) {
        return apply(new CausalAttention(batch, heads, 0, 0));
    }

    // ---- losses, in nats where they are entropies

    /** Mean of −log softmax(this)[target] over the rows: (…, V) with as many targets, I32, as rows → (). */
    public final Variable crossEntropy(Tensor targets) {
        Tensor entropy = onTape("cross entropy").memory(value().dtype(), targets.size());
        return apply(new CrossEntropy(targets, entropy)).mean();
    }

    /** {@link #crossEntropy(Tensor)} with the targets as numbers. */
    public final Variable crossEntropy(int... targets) {
        return crossEntropy(onTape("cross entropy").put(targets, targets.length));
    }

    /** Mean squared difference from {@code target}, of equal shape → (). */
    public final Variable mse(Variable target) {
        return apply(new Mse(), target);
    }

    /** Mean absolute difference from {@code target}, of equal shape → (). */
    public final Variable l1(Variable target) {
        return apply(new L1(), target);
    }

    /** Mean binary cross-entropy: this holds logits, {@code target} of equal shape probabilities → (). */
    public final Variable bceWithLogits(Variable target) {
        return apply(new BceWithLogits(), target);
    }

    /** KL(target ‖ e^this), the mean over the first axis: log-probabilities and probabilities of equal shape → (). */
    public final Variable klDiv(Variable target) {
        return apply(new KlDiv(true), target);
    }

    /** The number in a variable of one element. */
    public final double item() {
        return value().item();
    }
}
