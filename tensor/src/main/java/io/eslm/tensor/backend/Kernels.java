// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend;

/**
 * THE SEAM: everything a backend computes. Each method is one kernel, described by its equation and the shapes of its
 * arguments; arguments are storages, numbers and arrays of these alone, so that a sequence of calls can be recorded, printed, counted
 * and replayed. The scalar backend defines every kernel in plain loops; others override what pays.
 *
 * <p>Conventions. Matrices are row-major and dense. {@code y} and {@code d…} are outputs; an output must not overlap an
 * input unless the kernel says "in place". {@code accumulate} means {@code +=} instead of {@code =}. Storages hold at least
 * the elements that the shapes name. Arguments were checked by the caller; kernels only assert. All floating-point
 * storages of one call have the same type. Reductions have a fixed order that does not depend on the number of threads.
 *
 * <p>Legend: B batch, T time (positions), C width (n_embd), NH heads, HS = C/NH head size, V vocabulary, M = B·T tokens,
 * K kept rows. {@code rows} are K ascending row indices (I32).
 */
public interface Kernels {

    /** y_i = f(x_i). */
    enum Unary {
        NEG, EXP, LOG, SQRT, TANH, ABS, RELU, SQUARE, RECIPROCAL, SIGMOID
    }

    /** y_i = f(a_i, b_i). GREATER_EQUAL gives 1 or 0; MAX and MIN propagate NaN. */
    enum Binary {
        ADD, SUB, MUL, DIV, MAX, MIN, POW, GREATER_EQUAL
    }

    /** y = f over one axis. */
    enum Reduction {
        SUM, MAX, MIN
    }

    // ---- elementwise, any shape

    /** y_i = value; y (n). */
    void fill(Storage y, int n, double value);

    /** y_i = x_i; y, x (n) of the same type. */
    void copy(Storage y, Storage x, int n);

    /** y_i = f(x_i); y, x (n); in place allowed. */
    void unary(Unary f, Storage y, Storage x, int n);

    /**
     * y[i] = f(a[i·aStrides], b[i·bStrides]) for every index i below {@code dims}; y is dense (dims), and a stride of 0
     * repeats along that axis (broadcasting). In place is allowed where a or b is dense like y.
     */
    void binary(Binary f, Storage y, Storage a, Storage b, int[] dims, int[] aStrides, int[] bStrides);

    /** y_i = alpha·x_i + beta·y_i; y, x (n). With beta 0 the old y is not read. In place allowed. */
    void axpby(Storage y, Storage x, int n, double alpha, double beta);

    /** y[o,i] = f over a of x[o,a,i]; x (outer, axis, inner) → y (outer, inner). Empty axis: SUM 0, MAX −∞, MIN +∞. */
    void reduce(Reduction f, Storage y, Storage x, int outer, int axis, int inner);

    /** y_r = the smallest c that maximises x[r,c]; x (rows, cols) → y (rows), I32. */
    void argmax(Storage y, Storage x, int rows, int cols);

    // ---- moving elements

    /** y[i_p0, i_p1, …] = x[i_0, i_1, …]: axis a of y is axis {@code permutation[a]} of x; x (dims). */
    void permute(Storage y, Storage x, int[] dims, int[] permutation);

    /**
     * y[yFrom + r·yStride + c] = x[xFrom + r·xStride + c] for r &lt; rows, c &lt; cols: slices and concatenations along any
     * axis are this with rows = the product of the axes before it.
     */
    void copy2d(Storage y, int yFrom, int yStride, Storage x, int xFrom, int xStride, int rows, int cols);

    /** y[i,:] = x[rows_i,:]; x (·, cols), rows (count) → y (count, cols). Indices may repeat. */
    void gatherRows(Storage y, Storage x, Storage rows, int count, int cols);

    /** y[rows_i,:] += x[i,:] in the order of i; x (count, cols), rows (count), y (·, cols). Indices may repeat. */
    void scatterAddRows(Storage y, Storage x, Storage rows, int count, int cols);

    // ---- matrix products

    /**
     * y = op(a)·op(b), or += with {@code accumulate}; op transposes where asked. op(a) (m, k), op(b) (k, n) → y (m, n): a is
     * stored (m, k), or (k, m) with transA; b (k, n), or (n, k) with transB.
     */
    void matmul(Storage y, Storage a, Storage b, int m, int k, int n, boolean transA, boolean transB,
            boolean accumulate);

    /** {@link #matmul} for i &lt; batch on the windows starting at i·yStride, i·aStride, i·bStride (0 repeats a or b). */
    void batchedMatmul(Storage y, Storage a, Storage b, int batch, int yStride, int aStride, int bStride, int m, int k,
            int n, boolean transA, boolean transB);

    /** y = x·w + bias + residual; x (m, k), w (k, n), bias (n) or null, residual (m, n) or null → y (m, n). */
    void linear(Storage y, Storage x, Storage w, Storage bias, Storage residual, int m, int k, int n);

    /** pre = x·w + bias, y = gelu(pre); x (m, k), w (k, n), bias (n) → pre, y (m, n). See {@link #gelu}. */
    void linearGelu(Storage y, Storage pre, Storage x, Storage w, Storage bias, int m, int k, int n);

    /** y_c = Σ_r x[r,c], or += with {@code accumulate}; x (rows, cols) → y (cols). The gradient of a bias. */
    void columnSum(Storage y, Storage x, int rows, int cols, boolean accumulate);

    // ---- rows

    /** y[r,:] = exp(x[r,:] − max) / Σ; x, y (rows, cols); in place allowed. */
    void softmax(Storage y, Storage x, int rows, int cols);

    /** dx = y ⊙ (dy − Σ_c dy·y); y is softmax's output; all (rows, cols); in place (dx = dy) allowed. */
    void softmaxBackward(Storage dx, Storage y, Storage dy, int rows, int cols);

    /**
     * Layer normalisation (Ba, Kiros, Hinton 2016): y = (x − mean)·rstd·gamma + beta, with rstd = 1/√(variance + eps) and
     * the biased variance; x, y (rows, cols), gamma, beta (cols), mean, rstd (rows).
     */
    void layerNorm(Storage y, Storage mean, Storage rstd, Storage x, Storage gamma, Storage beta, int rows, int cols,
            double eps);

    /**
     * Gradients of {@link #layerNorm}. With x̂ = (x − mean)·rstd and g = dy·gamma:
     * dx = rstd·(g − mean_c(g) − x̂·mean_c(g·x̂)), dgamma += Σ_r dy·x̂, dbeta += Σ_r dy.
     *
     * @param dx (rows, cols), written, or added to with {@code accumulateX}
     * @param dgamma (cols), added to with {@code accumulateW}, else written; so is dbeta
     */
    void layerNormBackward(Storage dx, Storage dgamma, Storage dbeta, Storage dy, Storage x, Storage mean, Storage rstd,
            Storage gamma, int rows, int cols, boolean accumulateX, boolean accumulateW);

    /**
     * GELU in its tanh form, Hugging Face's gelu_new (Hendrycks, Gimpel 2016, section 2):
     * y = ½·x·(1 + tanh(√(2/π)·(x + 0.044715·x³))); x, y (n); in place allowed.
     */
    void gelu(Storage y, Storage x, int n);

    /** dx = dy · gelu′(x); dx, x, dy (n); in place (dx = dy) allowed. */
    void geluBackward(Storage dx, Storage x, Storage dy, int n);

    /**
     * y_i = x_i / (1 − p) where element i is kept, else 0. Kept means {@link Dropouts#keeps}(seed, i, p): counter-based, so
     * the backward pass is this kernel on dy with the same seed. x, y (n); in place allowed.
     */
    void dropout(Storage y, Storage x, int n, double p, int seed);

    // ---- GPT-2

    /**
     * y[b,t,:] = wte[ids[b,t],:] + wpe[from + t,:]; ids (B, T) I32, wte (V, C), wpe (P, C) → y (B, T, C).
     */
    void embedding(Storage y, Storage ids, Storage wte, Storage wpe, int batch, int time, int width, int from);

    /**
     * dwte[ids[b,t],:] += dy[b,t,:] and dwpe[t,:] += dy[b,t,:], in ascending (b, t); dy (B, T, C), dwte (V, C),
     * dwpe (P, C). Both are added to. Each may be null.
     */
    void embeddingBackward(Storage dwte, Storage dwpe, Storage dy, Storage ids, int batch, int time, int width);

    /**
     * Causal self-attention (Vaswani et al. 2017, section 3.2). For each b and head h, with q, k, v the head's columns of
     * qkv: s_ij = q_i·k_j/√HS for j ≤ i, p = softmax_j(s), y_i = Σ_j p̃_ij v_j, where p̃ is p after dropout at rate
     * {@code p} with index ((b·NH + h)·T + i)·T + j.
     *
     * @param y (B, T, C), heads side by side
     * @param lse (B, NH, T): log Σ_j exp(s_ij), kept for the backward pass
     * @param qkv (B, T, 3C): q, k, v side by side, each with its heads side by side
     */
    void attention(Storage y, Storage lse, Storage qkv, int batch, int time, int heads, int headSize, double p,
            int seed);

    /**
     * Gradient of {@link #attention}. With dp̃_ij = dy_i·v_j, dp = dropout′(dp̃), δ_i = dy_i·y_i and ds_ij = p_ij(dp_ij − δ_i):
     * dq_i = Σ_j ds_ij k_j/√HS, dk_j = Σ_i ds_ij q_i/√HS, dv_j = Σ_i p̃_ij dy_i.
     *
     * @param dqkv (B, T, 3C), written in full; dq is zero in rows that {@code rows} lacks
     * @param dy (K, C): the gradients of the output rows that have one
     * @param rows the K row indices b·T + t of dy, ascending; null when dy has all B·T rows
     * @param scratch (B, NH, T): overwritten
     */
    void attentionBackward(Storage dqkv, Storage dy, Storage rows, int count, Storage qkv, Storage y, Storage lse,
            Storage scratch, int batch, int time, int heads, int headSize, double p, int seed);

    /**
     * Attention for generation: stores the keys and values of {@code time} new positions, from position {@code past} on, in
     * the cache, then attends from each new position to all positions up to itself.
     *
     * @param y (B, T, C)
     * @param keys (B, NH, capacity, HS); so are values
     * @param qkv (B, T, 3C) of the new positions
     */
    void attentionCached(Storage y, Storage keys, Storage values, Storage qkv, int batch, int time, int past,
            int capacity, int heads, int headSize);

    // ---- loss

    /**
     * Per row, in nats: loss = lse − x[target], entropy = lse − Σ_v p_v·x_v with p = softmax(x), lse = log Σ_v exp(x_v).
     * logits (rows, cols), targets (rows) I32 in [0, cols) → loss, entropy, lse (rows). Shifted by the row's maximum, so no
     * overflow; entropy is exactly ≥ 0 up to rounding.
     */
    void crossEntropy(Storage loss, Storage entropy, Storage lse, Storage logits, Storage targets, int rows, int cols);

    /**
     * dlogits[i,v] = weights_i · (exp(logits[r,v] − lse_r) − [v = targets_r]) with r = rows_i (r = i where rows is null).
     * In place (dlogits = logits) allowed: row i is written after row rows_i ≥ i was read.
     *
     * @param weights (count): the gradient of each kept row's loss
     * @param dlogits (count, cols)
     */
    void crossEntropyBackward(Storage dlogits, Storage logits, Storage lse, Storage targets, Storage rows,
            Storage weights, int count, int cols);

    /**
     * Knowledge distillation (Hinton, Vinyals, Dean 2015): how far a student is from a teacher at temperature τ, per kept row,
     * in nats. With s = logits[r,:]/τ, r = rows_i (i where rows is null), t = teacher[i,:]/τ, and p, q their softmaxes:
     * kl_i = KL(q ‖ p) = Σ_v q_v·(t_v − s_v) − (lse(t) − lse(s)), exactly 0 where teacher and student are equal.
     *
     * @param kl (count); so are lse and teacherLse: lse(s) and lse(t), kept for the backward pass
     * @param logits (·, cols)
     * @param teacher (count, cols)
     */
    void distillation(Storage kl, Storage lse, Storage teacherLse, Storage logits, Storage teacher, Storage rows,
            int count, int cols, double temperature);

    /**
     * The gradient of weights_i · ((1−λ)·loss + λ·τ²·kl), loss as in {@link #crossEntropy} with hardLse for its lse, kl as in
     * {@link #distillation}: dlogits[i,:] = weights_i·((1−λ)·(exp(logits[r,:] − hardLse_r) − onehot(targets_r)) + λ·τ·(p − q)).
     * In place (dlogits = logits) allowed, as in {@link #crossEntropyBackward}.
     *
     * @param dlogits (count, cols)
     * @param hardLse per row of logits; so are targets
     * @param mix λ in [0, 1]
     */
    void distillationBackward(Storage dlogits, Storage logits, Storage teacher, Storage hardLse, Storage lse,
            Storage teacherLse, Storage targets, Storage rows, Storage weights, int count, int cols, double temperature,
            double mix);

    // ---- optimizer

    /** y_0 += Σ_i x_i²; x (n), y (1). Inner sums are in double. */
    void addSumOfSquares(Storage y, Storage x, int n);

    /** y_0 += Σ_t Σ_i xs[t]_i², xs[t] (sizes[t]): one launch where launches cost. */
    default void addSumOfSquares(Storage y, Storage[] xs, int[] sizes) {
        for (int t = 0; t < xs.length; t++) {
            addSumOfSquares(y, xs[t], sizes[t]);
        }
    }

    /**
     * AdamW (Loshchilov, Hutter 2019, algorithm 2) in one pass: g = gradScale·grad, m = β₁m + (1−β₁)g, v = β₂v + (1−β₂)g²,
     * param = param·(1 − lr·decay) − lr·(m/(1−β₁ᵗ)) / (√(v/(1−β₂ᵗ)) + eps). All (n).
     *
     * @param correction1 1 − β₁ᵗ at step t ≥ 1
     * @param correction2 1 − β₂ᵗ
     */
    void adamW(Storage param, Storage grad, Storage m, Storage v, int n, double lr, double beta1, double beta2,
            double eps, double decay, double correction1, double correction2, double gradScale);

    /**
     * The same for all tensors of a model, in one launch where launches cost.
     *
     * @param params params[t] (sizes[t]), and so grads, m and v
     * @param decays which of them decay
     */
    default void adamW(Storage[] params, Storage[] grads, Storage[] m, Storage[] v, int[] sizes, boolean[] decays,
            double lr, double beta1, double beta2, double eps, double decay, double correction1, double correction2,
            double gradScale) {
        for (int t = 0; t < params.length; t++) {
            adamW(params[t], grads[t], m[t], v[t], sizes[t], lr, beta1, beta2, eps, decays[t] ? decay : 0, correction1,
                    correction2, gradScale);
        }
    }
}
