// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend;

/**
 * THE SEAM: everything a backend computes. Each public method is one kernel, described by its equation and the shapes of its
 * arguments. Here are the kernels that a plain training step of GPT-2 runs; {@link ArrayKernels} has the others.
 *
 * <p>A public method checks its arguments, counts the multiply-adds that its equation asks for, and calls the protected method
 * that computes: {@code gelu} calls {@code runGelu}. Its default is the definition in plain loops ({@link Definitions}), which
 * works on every backend; a backend overrides those that pay, one with memory of its own as {@link DeviceKernels}. An argument
 * that is null, too small or of the wrong type is an {@link IllegalArgumentException}, an index out of range an
 * {@link IndexOutOfBoundsException}.
 *
 * <p>Conventions. Arguments are storages, numbers and arrays of these alone, so that a sequence of calls can be printed and
 * compared with the next one. Matrices are row-major and dense. {@code y} and {@code d…} are outputs; an output must not overlap an
 * input unless the kernel says "in place". {@code accumulate} means {@code +=} instead of {@code =}. All floating-point
 * storages of one call have the same type. Reductions have a fixed order that does not depend on the number of threads.
 *
 * <p>Legend: B batch, T time (positions), C width (n_embd), NH heads, HS = C/NH head size, V vocabulary, M = B·T tokens,
 * K kept rows. {@code rows} are K ascending row indices (I32).
 */
public abstract class Kernels extends ArrayKernels {
    /** Products of attention for each pair of a query and a key: q·k and p·v. */
    static final long FORWARD_PRODUCTS = 2;
    /** Those of its backward pass: q·k again, dp = dy·v, and what is added to dq, dk and dv. */
    private static final long BACKWARD_PRODUCTS = 5;

    // ---- elementwise, any shape

    /** y_i = value; y (n) of any type. */
    public final void fill(Storage y, int n, double value) {
        same("fill", "y", n, y, y);
        runFill(y, n, value);
    }

    protected void runFill(Storage y, int n, double value) {
        plain("fill", h -> Definitions.fill(h.of(y), n, value));
    }

    /**
     * GELU in its tanh form, Hugging Face's gelu_new (Hendrycks, Gimpel 2016, section 2):
     * y = ½·x·(1 + tanh(√(2/π)·(x + 0.044715·x³))); x, y (n); in place allowed.
     */
    public final void gelu(Storage y, Storage x, int n) {
        floats("gelu", y, "y x", n, y, x);
        runGelu(y, x, n);
    }

    protected void runGelu(Storage y, Storage x, int n) {
        plain("gelu", h -> Definitions.gelu(h.of(y), h.of(x), n));
    }

    /** dx = dy · gelu′(x); dx, x, dy (n); in place (dx = dy) allowed. */
    public final void geluBackward(Storage dx, Storage x, Storage dy, int n) {
        floats("geluBackward", dx, "dx x dy", n, dx, x, dy);
        runGeluBackward(dx, x, dy, n);
    }

    protected void runGeluBackward(Storage dx, Storage x, Storage dy, int n) {
        plain("geluBackward", h -> Definitions.geluBackward(h.of(dx), h.of(x), h.of(dy), n));
    }

    // ---- matrix products

    /**
     * y = op(a)·op(b), or += with {@code accumulate}; op transposes where asked. op(a) (m, k), op(b) (k, n) → y (m, n): a is
     * stored (m, k), or (k, m) with transA; b (k, n), or (n, k) with transB. Counts m·k·n.
     */
    public final void matmul(Storage y, Storage a, Storage b, int m, int k, int n, boolean transA, boolean transB,
            boolean accumulate) {
        floats("matmul", y, "y", (long) m * n, y);
        floats("matmul", y, "a", (long) m * k, a);
        floats("matmul", y, "b", (long) k * n, b);
        flops().add((long) m * k * n);
        runMatmul(y, a, b, m, k, n, transA, transB, accumulate);
    }

    protected void runMatmul(Storage y, Storage a, Storage b, int m, int k, int n, boolean transA, boolean transB,
            boolean accumulate) {
        plain("matmul", h -> Definitions.matmul(h.of(y), h.of(a), h.of(b), m, k, n, transA, transB, accumulate));
    }

    /** y = x·w + bias + residual; x (m, k), w (k, n), bias (n) or null, residual (m, n) or null → y (m, n). Counts m·k·n. */
    public final void linear(Storage y, Storage x, Storage w, Storage bias, Storage residual, int m, int k, int n) {
        floats("linear", y, "y", (long) m * n, y);
        floats("linear", y, "x", (long) m * k, x);
        floats("linear", y, "w", (long) k * n, w);
        optional("linear", y, "bias", n, bias);
        optional("linear", y, "residual", (long) m * n, residual);
        flops().add((long) m * k * n);
        runLinear(y, x, w, bias, residual, m, k, n);
    }

    protected void runLinear(Storage y, Storage x, Storage w, Storage bias, Storage residual, int m, int k, int n) {
        plain("linear", h -> Definitions.linear(h.of(y), h.of(x), h.of(w), h.of(bias), h.of(residual), m, k, n));
    }

    /** pre = x·w + bias, y = gelu(pre); x (m, k), w (k, n), bias (n) → pre, y (m, n). Counts m·k·n. See {@link #gelu}. */
    public final void linearGelu(Storage y, Storage pre, Storage x, Storage w, Storage bias, int m, int k, int n) {
        floats("linearGelu", y, "y pre", (long) m * n, y, pre);
        floats("linearGelu", y, "x", (long) m * k, x);
        floats("linearGelu", y, "w", (long) k * n, w);
        floats("linearGelu", y, "bias", n, bias);
        flops().add((long) m * k * n);
        runLinearGelu(y, pre, x, w, bias, m, k, n);
    }

    protected void runLinearGelu(Storage y, Storage pre, Storage x, Storage w, Storage bias, int m, int k, int n) {
        runLinear(pre, x, w, bias, null, m, k, n);
        runGelu(y, pre, m * n);
    }

    /** y_c = Σ_r x[r,c], or += with {@code accumulate}; x (rows, cols) → y (cols). The gradient of a bias. */
    public final void columnSum(Storage y, Storage x, int rows, int cols, boolean accumulate) {
        floats("columnSum", y, "y", cols, y);
        floats("columnSum", y, "x", (long) rows * cols, x);
        runColumnSum(y, x, rows, cols, accumulate);
    }

    protected void runColumnSum(Storage y, Storage x, int rows, int cols, boolean accumulate) {
        plain("columnSum", h -> Definitions.columnSum(h.of(y), h.of(x), rows, cols, accumulate));
    }

    // ---- layer normalisation

    /**
     * Layer normalisation (Ba, Kiros, Hinton 2016): y = (x − mean)·rstd·gamma + beta, with rstd = 1/√(variance + eps) and
     * the biased variance; x, y (rows, cols), gamma, beta (cols), mean, rstd (rows).
     */
    public final void layerNorm(Storage y, Storage mean, Storage rstd, Storage x, Storage gamma, Storage beta, int rows,
            int cols, double eps) {
        floats("layerNorm", y, "y x", (long) rows * cols, y, x);
        floats("layerNorm", y, "mean rstd", rows, mean, rstd);
        floats("layerNorm", y, "gamma beta", cols, gamma, beta);
        runLayerNorm(y, mean, rstd, x, gamma, beta, rows, cols, eps);
    }

    protected void runLayerNorm(Storage y, Storage mean, Storage rstd, Storage x, Storage gamma, Storage beta, int rows,
            int cols, double eps) {
        plain("layerNorm", h -> Definitions.layerNorm(h.of(y), h.of(mean), h.of(rstd), h.of(x), h.of(gamma), h.of(beta),
                rows, cols, eps));
    }

    /**
     * Gradients of {@link #layerNorm}. With x̂ = (x − mean)·rstd and g = dy·gamma:
     * dx = rstd·(g − mean_c(g) − x̂·mean_c(g·x̂)), dgamma += Σ_r dy·x̂, dbeta += Σ_r dy.
     *
     * @param dx (rows, cols), written, or added to with {@code accumulateX}
     * @param dgamma (cols), added to with {@code accumulateW}, else written; so is dbeta
     */
    public final void layerNormBackward(Storage dx, Storage dgamma, Storage dbeta, Storage dy, Storage x, Storage mean,
            Storage rstd, Storage gamma, int rows, int cols, boolean accumulateX, boolean accumulateW) {
        floats("layerNormBackward", dx, "dx dy x", (long) rows * cols, dx, dy, x);
        floats("layerNormBackward", dx, "dgamma dbeta gamma", cols, dgamma, dbeta, gamma);
        floats("layerNormBackward", dx, "mean rstd", rows, mean, rstd);
        runLayerNormBackward(dx, dgamma, dbeta, dy, x, mean, rstd, gamma, rows, cols, accumulateX, accumulateW);
    }

    protected void runLayerNormBackward(Storage dx, Storage dgamma, Storage dbeta, Storage dy, Storage x, Storage mean,
            Storage rstd, Storage gamma, int rows, int cols, boolean accumulateX, boolean accumulateW) {
        plain("layerNormBackward", h -> Definitions.layerNormBackward(h.of(dx), h.of(dgamma), h.of(dbeta), h.of(dy),
                h.of(x), h.of(mean), h.of(rstd), h.of(gamma), rows, cols, accumulateX, accumulateW));
    }

    // ---- embedding

    /** y[b,t,:] = wte[ids[b,t],:] + wpe[from + t,:]; ids (B, T) I32, wte (V, C), wpe (P, C) → y (B, T, C). */
    public final void embedding(Storage y, Storage ids, Storage wte, Storage wpe, int batch, int time, int width,
            int from) {
        floats("embedding", y, "y", (long) batch * time * width, y);
        floats("embedding", y, "wte", 0, wte);
        floats("embedding", y, "wpe", (long) (from + time) * width, wpe);
        ids("embedding", "ids", ids, batch * time, held(wte, width));
        runEmbedding(y, ids, wte, wpe, batch, time, width, from);
    }

    protected void runEmbedding(Storage y, Storage ids, Storage wte, Storage wpe, int batch, int time, int width,
            int from) {
        plain("embedding",
                h -> Definitions.embedding(h.of(y), h.of(ids), h.of(wte), h.of(wpe), batch, time, width, from));
    }

    /**
     * dwte[ids[b,t],:] += dy[b,t,:] and dwpe[t,:] += dy[b,t,:], in ascending (b, t); dy (B, T, C), dwte (V, C),
     * dwpe (P, C). Both are added to. Each may be null.
     */
    public final void embeddingBackward(Storage dwte, Storage dwpe, Storage dy, Storage ids, int batch, int time,
            int width) {
        floats("embeddingBackward", dy, "dy", (long) batch * time * width, dy);
        optional("embeddingBackward", dy, "dwte", 0, dwte);
        optional("embeddingBackward", dy, "dwpe", (long) time * width, dwpe);
        ids("embeddingBackward", "ids", ids, batch * time, dwte == null ? Integer.MAX_VALUE : held(dwte, width));
        runEmbeddingBackward(dwte, dwpe, dy, ids, batch, time, width);
    }

    protected void runEmbeddingBackward(Storage dwte, Storage dwpe, Storage dy, Storage ids, int batch, int time,
            int width) {
        plain("embeddingBackward",
                h -> Definitions.embeddingBackward(h.of(dwte), h.of(dwpe), h.of(dy), h.of(ids), batch, time, width));
    }

    // ---- attention

    /**
     * Causal self-attention (Vaswani et al. 2017, section 3.2). For each b and head h, with q, k, v the head's columns of
     * qkv: s_ij = q_i·k_j/√HS for starts_i ≤ j ≤ i, p = softmax_j(s), y_i = Σ_j p̃_ij v_j, where p̃ is p after dropout at rate
     * {@code p} with index ((b·NH + h)·T + i)·T + j. Counts 2·C for every such pair (i, j): q·k and p·v.
     *
     * @param y (B, T, C), heads side by side
     * @param lse (B, NH, T): log Σ_j exp(s_ij), kept for the backward pass
     * @param qkv (B, T, 3C): q, k, v side by side, each with its heads side by side
     * @param starts (B·T) I32: the first key that each query sees, where its document starts; ascends within a sequence, and is
     *            at most the query's own position. Null: 0 for all
     */
    public final void attention(Storage y, Storage lse, Storage qkv, Storage starts, int batch, int time, int heads,
            int headSize, double p, int seed) {
        long n = (long) batch * time * heads * headSize;
        floats("attention", y, "y", n, y);
        floats("attention", y, "lse", (long) batch * heads * time, lse);
        floats("attention", y, "qkv", 3 * n, qkv);
        long each = FORWARD_PRODUCTS * heads * headSize;
        if (starts == null) {
            flops().add(each * batch * pairs(0, time));
        } else {
            AttentionPairs.add(this, "attention", each, null, batch * time, starts, batch, time);
        }
        runAttention(y, lse, qkv, starts, batch, time, heads, headSize, p, seed);
    }

    protected void runAttention(Storage y, Storage lse, Storage qkv, Storage starts, int batch, int time, int heads,
            int headSize, double p, int seed) {
        plain("attention", h -> Definitions.attention(h.of(y), h.of(lse), h.of(qkv), h.of(starts), batch, time, heads,
                headSize, p, seed));
    }

    /**
     * Gradient of {@link #attention}. With dp̃_ij = dy_i·v_j, dp = dropout′(dp̃), δ_i = dy_i·y_i and ds_ij = p_ij(dp_ij − δ_i):
     * dq_i = Σ_j ds_ij k_j/√HS, dk_j = Σ_i ds_ij q_i/√HS, dv_j = Σ_i p̃_ij dy_i. Counts 5·C for every pair (i, j) of a query i
     * that has a gradient: the scores again, dp, dq, dk and dv.
     *
     * @param dqkv (B, T, 3C), written in full; dq is zero in rows that {@code rows} lacks
     * @param dy (K, C): the gradients of the output rows that have one
     * @param rows the K row indices b·T + t of dy, ascending; null when dy has all B·T rows
     * @param starts those of {@link #attention}
     */
    public final void attentionBackward(Storage dqkv, Storage dy, Storage rows, int count, Storage qkv, Storage y,
            Storage lse, Storage starts, int batch, int time, int heads, int headSize, double p, int seed) {
        long n = (long) batch * time * heads * headSize;
        floats("attentionBackward", dqkv, "dqkv qkv", 3 * n, dqkv, qkv);
        floats("attentionBackward", dqkv, "dy", (long) count * heads * headSize, dy);
        floats("attentionBackward", dqkv, "y", n, y);
        floats("attentionBackward", dqkv, "lse", (long) batch * heads * time, lse);
        long each = BACKWARD_PRODUCTS * heads * headSize;
        if (rows == null && starts == null) {
            flops().add(each * batch * pairs(0, time));
        } else {
            AttentionPairs.add(this, "attentionBackward", each, rows, count, starts, batch, time);
        }
        runAttentionBackward(dqkv, dy, rows, count, qkv, y, lse, starts, batch, time, heads, headSize, p, seed);
    }

    protected void runAttentionBackward(Storage dqkv, Storage dy, Storage rows, int count, Storage qkv, Storage y,
            Storage lse, Storage starts, int batch, int time, int heads, int headSize, double p, int seed) {
        plain("attentionBackward", h -> Definitions.attentionBackward(h.of(dqkv), h.of(dy), h.of(rows), count,
                h.of(qkv), h.of(y), h.of(lse), h.of(starts), batch, time, heads, headSize, p, seed));
    }

    /** Pairs of {@code time} queries behind {@code past} positions with the keys up to their own. */
    static long pairs(int past, int time) {
        return (long) past * time + (long) time * (time + 1) / 2;
    }

    // ---- loss

    /**
     * Per row, in nats: loss = lse − x[target], entropy = lse − Σ_v p_v·x_v with p = softmax(x), lse = log Σ_v exp(x_v).
     * logits (rows, cols), targets (rows) I32 in [0, cols) → loss, entropy, lse (rows). Shifted by the row's maximum, so no
     * overflow; entropy is exactly ≥ 0 up to rounding.
     */
    public final void crossEntropy(Storage loss, Storage entropy, Storage lse, Storage logits, Storage targets,
            int rows, int cols) {
        floats("crossEntropy", loss, "loss entropy lse", rows, loss, entropy, lse);
        floats("crossEntropy", loss, "logits", (long) rows * cols, logits);
        ids("crossEntropy", "targets", targets, rows, cols);
        runCrossEntropy(loss, entropy, lse, logits, targets, rows, cols);
    }

    protected void runCrossEntropy(Storage loss, Storage entropy, Storage lse, Storage logits, Storage targets,
            int rows, int cols) {
        plain("crossEntropy", h -> Definitions.crossEntropy(h.of(loss), h.of(entropy), h.of(lse), h.of(logits),
                h.of(targets), rows, cols));
    }

    /**
     * dlogits[i,v] = weights_i · (exp(logits[r,v] − lse_r) − [v = targets_r]) with r = rows_i (r = i where rows is null).
     * In place (dlogits = logits) allowed: row i is written after row rows_i ≥ i was read.
     *
     * @param weights (count): the gradient of each kept row's loss
     * @param dlogits (count, cols)
     */
    public final void crossEntropyBackward(Storage dlogits, Storage logits, Storage lse, Storage targets, Storage rows,
            Storage weights, int count, int cols) {
        floats("crossEntropyBackward", dlogits, "dlogits", (long) count * cols, dlogits);
        floats("crossEntropyBackward", dlogits, "weights", count, weights);
        kept("crossEntropyBackward", dlogits, logits, lse, targets, rows, count, cols);
        runCrossEntropyBackward(dlogits, logits, lse, targets, rows, weights, count, cols);
    }

    protected void runCrossEntropyBackward(Storage dlogits, Storage logits, Storage lse, Storage targets, Storage rows,
            Storage weights, int count, int cols) {
        plain("crossEntropyBackward", h -> Definitions.crossEntropyBackward(h.of(dlogits), h.of(logits), h.of(lse),
                h.of(targets), h.of(rows), h.of(weights), count, cols));
    }

    // ---- optimizer: all tensors of a model in one call, and in one launch where launches cost

    /** y_0 += Σ_t Σ_i xs[t]_i²; xs[t] (sizes[t]), y (1). Inner sums are in double. */
    public final void addSumOfSquares(Storage y, Storage[] xs, int[] sizes) {
        floats("addSumOfSquares", y, "y", 1, y);
        for (int t = 0; t < xs.length; t++) {
            floats("addSumOfSquares", y, "x", sizes[t], xs[t]);
        }
        runAddSumOfSquares(y, xs, sizes);
    }

    protected void runAddSumOfSquares(Storage y, Storage[] xs, int[] sizes) {
        for (int t = 0; t < xs.length; t++) {
            Storage x = xs[t];
            int n = sizes[t];
            plain("addSumOfSquares", h -> Definitions.addSumOfSquares(h.of(y), h.of(x), n));
        }
    }

    /**
     * AdamW (Loshchilov, Hutter 2019, algorithm 2) in one pass: g = gradScale·grad, m = β₁m + (1−β₁)g, v = β₂v + (1−β₂)g²,
     * param = param·(1 − lr·decay) − lr·(m/(1−β₁ᵗ)) / (√(v/(1−β₂ᵗ)) + eps).
     *
     * @param params params[t] (sizes[t]), and so grads, m and v
     * @param decays which of them decay
     * @param correction1 1 − β₁ᵗ at step t ≥ 1
     * @param correction2 1 − β₂ᵗ
     */
    public final void adamW(Storage[] params, Storage[] grads, Storage[] m, Storage[] v, int[] sizes, boolean[] decays,
            double lr, double beta1, double beta2, double eps, double decay, double correction1, double correction2,
            double gradScale) {
        for (int t = 0; t < params.length; t++) {
            floats("adamW", params[0], "param grad m v", sizes[t], params[t], grads[t], m[t], v[t]);
        }
        runAdamW(params, grads, m, v, sizes, decays, lr, beta1, beta2, eps, decay, correction1, correction2, gradScale);
    }

    protected void runAdamW(Storage[] params, Storage[] grads, Storage[] m, Storage[] v, int[] sizes, boolean[] decays,
            double lr, double beta1, double beta2, double eps, double decay, double correction1, double correction2,
            double gradScale) {
        for (int t = 0; t < params.length; t++) {
            int i = t;
            plain("adamW", h -> Definitions.adamW(h.of(params[i]), h.of(grads[i]), h.of(m[i]), h.of(v[i]), sizes[i], lr,
                    beta1, beta2, eps, decays[i] ? decay : 0, correction1, correction2, gradScale));
        }
    }
}
