// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend;

/**
 * The kernels that a plain training step of GPT-2 does not run: those of general arrays, dropout, generation and distillation. How
 * they work, and the conventions and letters: {@link Kernels}, which every backend extends.
 */
public abstract class ArrayKernels extends SelectionKernels {
    /** y_i = f(x_i). */
    public enum Unary {
        NEG, EXP, LOG, SQRT, TANH, ABS, RELU, SQUARE, RECIPROCAL, SIGMOID
    }

    /** y_i = f(a_i, b_i). GREATER_EQUAL gives 1 or 0; MAX and MIN propagate NaN. */
    public enum Binary {
        ADD, SUB, MUL, DIV, MAX, MIN, POW, GREATER_EQUAL
    }

    /** y = f over one axis. */
    public enum Reduction {
        SUM, MAX, MIN
    }

    /** From so many rows on, the number of rows changes no bit of a row: see {@link #linearRows}. */
    public static final int MANY = 16;

    ArrayKernels() {
    }

    // ---- elementwise

    /** y_i = x_i; y, x (n) of the same type, which may be any. */
    public final void copy(Storage y, Storage x, int n) {
        same("copy", "y x", n, y, x);
        runCopy(y, x, n);
    }

    protected void runCopy(Storage y, Storage x, int n) {
        plain("copy", h -> ArrayDefinitions.copy(h.of(y), h.of(x), n));
    }

    /** y_i = alpha·x_i + beta·y_i; y, x (n). With beta 0 the old y is not read. In place allowed. */
    public final void axpby(Storage y, Storage x, int n, double alpha, double beta) {
        floats("axpby", y, "y x", n, y, x);
        runAxpby(y, x, n, alpha, beta);
    }

    protected void runAxpby(Storage y, Storage x, int n, double alpha, double beta) {
        plain("axpby", h -> ArrayDefinitions.axpby(h.of(y), h.of(x), n, alpha, beta));
    }

    /** y_i = f(x_i); y, x (n); in place allowed. */
    public final void unary(Unary f, Storage y, Storage x, int n) {
        floats("unary", y, "y x", n, y, x);
        runUnary(f, y, x, n);
    }

    protected void runUnary(Unary f, Storage y, Storage x, int n) {
        plain("unary", h -> ArrayDefinitions.unary(f, h.of(y), h.of(x), n));
    }

    /**
     * y[i] = f(a[i·aStrides], b[i·bStrides]) for every index i below {@code dims}; y is dense (dims), and a stride of 0
     * repeats along that axis (broadcasting). In place is allowed where a or b is dense like y.
     */
    public final void binary(Binary f, Storage y, Storage a, Storage b, int[] dims, int[] aStrides, int[] bStrides) {
        long n = size(dims);
        floats("binary", y, "y", n, y);
        floats("binary", y, "a", n == 0 ? 0 : reach(dims, aStrides), a);
        floats("binary", y, "b", n == 0 ? 0 : reach(dims, bStrides), b);
        runBinary(f, y, a, b, dims, aStrides, bStrides);
    }

    protected void runBinary(Binary f, Storage y, Storage a, Storage b, int[] dims, int[] aStrides, int[] bStrides) {
        plain("binary", h -> ArrayDefinitions.binary(f, h.of(y), h.of(a), h.of(b), dims, aStrides, bStrides));
    }

    /**
     * y_i = x_i / (1 − p) where element i is kept, else 0. Kept means {@link Dropouts#keeps}(seed, i, p): counter-based, so
     * the backward pass is this kernel on dy with the same seed. x, y (n); in place allowed.
     */
    public final void dropout(Storage y, Storage x, int n, double p, int seed) {
        floats("dropout", y, "y x", n, y, x);
        runDropout(y, x, n, p, seed);
    }

    protected void runDropout(Storage y, Storage x, int n, double p, int seed) {
        plain("dropout", h -> ArrayDefinitions.dropout(h.of(y), h.of(x), n, p, seed));
    }

    /** y_i = f(x_i); y, x (n); in place allowed. */
    public final void activation(Activation f, Storage y, Storage x, int n) {
        floats("activation", y, "y x", n, y, x);
        runActivation(f, y, x, n);
    }

    protected void runActivation(Activation f, Storage y, Storage x, int n) {
        plain("activation", h -> ArrayDefinitions.activation(f, h.of(y), h.of(x), n));
    }

    /** dx = dy · f′(x); dx, x, dy (n); in place (dx = dy) allowed. */
    public final void activationBackward(Activation f, Storage dx, Storage x, Storage dy, int n) {
        floats("activationBackward", dx, "dx x dy", n, dx, x, dy);
        runActivationBackward(f, dx, x, dy, n);
    }

    protected void runActivationBackward(Activation f, Storage dx, Storage x, Storage dy, int n) {
        plain("activationBackward",
                h -> ArrayDefinitions.activationBackward(f, h.of(dx), h.of(x), h.of(dy), n));
    }

    /** Number of elements. */
    private static long size(int[] dims) {
        long n = 1;
        for (int d : dims) {
            n *= d;
        }
        return n;
    }

    /** One more than the place of the last element. */
    private static long reach(int[] dims, int[] strides) {
        long last = 0;
        for (int axis = 0; axis < dims.length; axis++) {
            last += (dims[axis] - 1L) * strides[axis];
        }
        return last + 1;
    }

    // ---- reductions and softmax

    /** y[o,i] = f over a of x[o,a,i]; x (outer, axis, inner) → y (outer, inner). Empty axis: SUM 0, MAX −∞, MIN +∞. */
    public final void reduce(Reduction f, Storage y, Storage x, int outer, int axis, int inner) {
        floats("reduce", y, "y", (long) outer * inner, y);
        floats("reduce", y, "x", (long) outer * axis * inner, x);
        runReduce(f, y, x, outer, axis, inner);
    }

    protected void runReduce(Reduction f, Storage y, Storage x, int outer, int axis, int inner) {
        plain("reduce", h -> ArrayDefinitions.reduce(f, h.of(y), h.of(x), outer, axis, inner));
    }

    /** y_r = the smallest c that maximises x[r,c]; x (rows, cols) → y (rows), I32. */
    public final void argmax(Storage y, Storage x, int rows, int cols) {
        ints("argmax", "y", rows, y);
        floats("argmax", x, "x", (long) rows * cols, x);
        runArgmax(y, x, rows, cols);
    }

    protected void runArgmax(Storage y, Storage x, int rows, int cols) {
        plain("argmax", h -> ArrayDefinitions.argmax(h.of(y), h.of(x), rows, cols));
    }

    /** y[r,:] = exp(x[r,:] − max) / Σ; x, y (rows, cols); in place allowed. */
    public final void softmax(Storage y, Storage x, int rows, int cols) {
        floats("softmax", y, "y x", (long) rows * cols, y, x);
        runSoftmax(y, x, rows, cols);
    }

    protected void runSoftmax(Storage y, Storage x, int rows, int cols) {
        plain("softmax", h -> ArrayDefinitions.softmax(h.of(y), h.of(x), rows, cols));
    }

    /** dx = y ⊙ (dy − Σ_c dy·y); y is softmax's output; all (rows, cols); in place (dx = dy) allowed. */
    public final void softmaxBackward(Storage dx, Storage y, Storage dy, int rows, int cols) {
        floats("softmaxBackward", dx, "dx y dy", (long) rows * cols, dx, y, dy);
        runSoftmaxBackward(dx, y, dy, rows, cols);
    }

    protected void runSoftmaxBackward(Storage dx, Storage y, Storage dy, int rows, int cols) {
        plain("softmaxBackward", h -> ArrayDefinitions.softmaxBackward(h.of(dx), h.of(y), h.of(dy), rows, cols));
    }

    // ---- moving elements, of any type

    /** y[i_p0, i_p1, …] = x[i_0, i_1, …]: axis a of y is axis {@code permutation[a]} of x; x (dims). */
    public final void permute(Storage y, Storage x, int[] dims, int[] permutation) {
        same("permute", "y x", size(dims), y, x);
        runPermute(y, x, dims, permutation);
    }

    protected void runPermute(Storage y, Storage x, int[] dims, int[] permutation) {
        plain("permute", h -> ArrayDefinitions.permute(h.of(y), h.of(x), dims, permutation));
    }

    /**
     * y[yFrom + r·yStride + c] = x[xFrom + r·xStride + c] for r &lt; rows, c &lt; cols: slices and concatenations along any
     * axis are this with rows = the product of the axes before it.
     */
    public final void copy2d(Storage y, int yFrom, int yStride, Storage x, int xFrom, int xStride, int rows, int cols) {
        boolean none = rows == 0 || cols == 0;
        same("copy2d", "y", none ? 0 : yFrom + (rows - 1L) * yStride + cols, y, y);
        same("copy2d", "x", none ? 0 : xFrom + (rows - 1L) * xStride + cols, x, x);
        same("copy2d", "y x", 0, y, x);
        runCopy2d(y, yFrom, yStride, x, xFrom, xStride, rows, cols);
    }

    protected void runCopy2d(Storage y, int yFrom, int yStride, Storage x, int xFrom, int xStride, int rows, int cols) {
        plain("copy2d",
                h -> ArrayDefinitions.copy2d(h.of(y), yFrom, yStride, h.of(x), xFrom, xStride, rows, cols));
    }

    // ---- products and attention

    /**
     * {@link Kernels#matmul} for i &lt; batch on the windows starting at i·yStride, i·aStride, i·bStride (0 repeats a or b).
     * Counts batch·m·k·n.
     */
    public final void batchedMatmul(Storage y, Storage a, Storage b, int batch, int yStride, int aStride, int bStride,
            int m, int k, int n, boolean transA, boolean transB) {
        long last = batch - 1L;
        floats("batchedMatmul", y, "y", batch == 0 ? 0 : last * yStride + (long) m * n, y);
        floats("batchedMatmul", y, "a", batch == 0 ? 0 : last * aStride + (long) m * k, a);
        floats("batchedMatmul", y, "b", batch == 0 ? 0 : last * bStride + (long) k * n, b);
        flops().add((long) batch * m * k * n);
        runBatchedMatmul(y, a, b, batch, yStride, aStride, bStride, m, k, n, transA, transB);
    }

    protected void runBatchedMatmul(Storage y, Storage a, Storage b, int batch, int yStride, int aStride, int bStride,
            int m, int k, int n, boolean transA, boolean transB) {
        plain("batchedMatmul", h -> ArrayDefinitions.batchedMatmul(h.of(y), h.of(a), h.of(b), batch, yStride, aStride,
                bStride, m, k, n, transA, transB));
    }

    /**
     * Attention for generation: stores the keys and values of {@code time} new positions, from position {@code past} on, in
     * the cache, then attends from each new position to all positions up to itself. Counts 2·C for every pair.
     *
     * @param y (B, T, C)
     * @param keys (B, NH, capacity, HS); so are values
     * @param qkv (B, T, 3C) of the new positions
     */
    public final void attentionCached(Storage y, Storage keys, Storage values, Storage qkv, int batch, int time,
            int past, int capacity, int heads, int headSize) {
        long n = (long) batch * time * heads * headSize;
        floats("attentionCached", y, "y", n, y);
        floats("attentionCached", y, "keys values", (long) batch * heads * capacity * headSize, keys, values);
        floats("attentionCached", y, "qkv", 3 * n, qkv);
        if (past < 0 || past + time > capacity) {
            throw new IndexOutOfBoundsException("kernel attentionCached: positions [" + past + ", " + (past + time)
                    + ") are outside the cache's [0, " + capacity + ")");
        }
        flops().add(Kernels.FORWARD_PRODUCTS * batch * Kernels.pairs(past, time) * heads * headSize);
        runAttentionCached(y, keys, values, qkv, batch, time, past, capacity, heads, headSize);
    }

    protected void runAttentionCached(Storage y, Storage keys, Storage values, Storage qkv, int batch, int time,
            int past, int capacity, int heads, int headSize) {
        plain("attentionCached", h -> ArrayDefinitions.attentionCached(h.of(y), h.of(keys), h.of(values), h.of(qkv),
                batch, time, past, capacity, heads, headSize));
    }

    // ---- many sequences at once

    /**
     * y = x·op(w) + bias + residual, or y = gelu(pre) of that where {@code pre} is not null; x (m, k), op(w) (k, n), bias (n)
     * or null, residual (m, n) or null → y, pre (m, n). A row of y depends on that row of x, to the last bit, whatever the other
     * rows and their number: it has the bits that {@link Kernels#linear}, linearGelu or matmul give it among {@code as} rows.
     * So sequences that are computed together get the results that they get alone. Counts m·k·n.
     *
     * @param transW w is stored (n, k)
     * @param as 1 or more; those from {@value #MANY} on are all alike
     */
    public final void linearRows(Storage y, Storage pre, Storage x, Storage w, Storage bias, Storage residual, int m,
            int k, int n, boolean transW, int as) {
        floats("linearRows", y, "y", (long) m * n, y);
        optional("linearRows", y, "pre", (long) m * n, pre);
        floats("linearRows", y, "x", (long) m * k, x);
        floats("linearRows", y, "w", (long) k * n, w);
        optional("linearRows", y, "bias", n, bias);
        optional("linearRows", y, "residual", (long) m * n, residual);
        flops().add((long) m * k * n);
        runLinearRows(y, pre, x, w, bias, residual, m, k, n, transW, as);
    }

    protected void runLinearRows(Storage y, Storage pre, Storage x, Storage w, Storage bias, Storage residual, int m,
            int k, int n, boolean transW, int as) {
        plain("linearRows", h -> ArrayDefinitions.linearRows(h.of(y), h.of(pre), h.of(x), h.of(w), h.of(bias),
                h.of(residual), m, k, n, transW));
    }

    /**
     * {@link #attentionCached} of parts of many sequences at once, whose keys and values lie in pages. Part s has the rows from
     * first_s to first_(s+1) of y and qkv: its sequence's positions from past_s on. Its position p is place p mod pageTokens of
     * page table[s·width + p/pageTokens]. A part must not write to a page that another part of the call has. Counts 2·C for
     * every pair.
     *
     * @param y (M, C)
     * @param keys (pages, NH, pageTokens, HS); so are values
     * @param qkv (M, 3C) of the new positions
     * @param first (parts + 1)
     * @param past (parts)
     * @param as (parts): a row has the bits that attentionCached gives it among so many new positions
     * @param table (parts, width)
     */
    public final void attentionPaged(Storage y, Storage keys, Storage values, Storage qkv, int parts, int[] first,
            int[] past, int[] as, int[] table, int width, int pageTokens, int heads, int headSize) {
        long n = (long) first[parts] * heads * headSize;
        floats("attentionPaged", y, "y", n, y);
        floats("attentionPaged", y, "keys values", 0, keys, values);
        floats("attentionPaged", y, "qkv", 3 * n, qkv);
        int pages = held(keys.size() < values.size() ? keys : values, pageTokens * heads * headSize);
        long pairs = 0;
        for (int s = 0; s < parts; s++) {
            int end = past[s] + first[s + 1] - first[s];
            for (int j = 0; j * pageTokens < end; j++) {
                if (j >= width || table[s * width + j] < 0 || table[s * width + j] >= pages) {
                    throw new IndexOutOfBoundsException("kernel attentionPaged: page " + j + " of part " + s
                            + (j >= width ? " is beyond the table"
                                    : " is " + table[s * width + j] + ", which is outside [0, "
                                            + pages + ")"));
                }
            }
            pairs += Kernels.pairs(past[s], first[s + 1] - first[s]);
        }
        flops().add(Kernels.FORWARD_PRODUCTS * pairs * heads * headSize);
        runAttentionPaged(y, keys, values, qkv, parts, first, past, as, table, width, pageTokens, heads, headSize);
    }

    protected void runAttentionPaged(Storage y, Storage keys, Storage values, Storage qkv, int parts, int[] first,
            int[] past, int[] as, int[] table, int width, int pageTokens, int heads, int headSize) {
        plain("attentionPaged",
                h -> ArrayDefinitions.attentionPaged(h.of(y), h.of(keys), h.of(values), h.of(qkv), parts,
                        first, past, table, width, pageTokens, heads, headSize));
    }

    // ---- distillation

    /**
     * Knowledge distillation (Hinton, Vinyals, Dean 2015): how far a student is from a teacher at temperature τ, per kept row,
     * in nats. With s = logits[r,:]/τ, r = rows_i (i where rows is null), t = teacher[i,:]/τ, and p, q their softmaxes:
     * kl_i = KL(q ‖ p) = Σ_v q_v·(t_v − s_v) − (lse(t) − lse(s)), exactly 0 where teacher and student are equal.
     *
     * @param kl (count); so are lse and teacherLse: lse(s) and lse(t), kept for the backward pass
     * @param logits (·, cols)
     * @param teacher (count, cols)
     */
    public final void distillation(Storage kl, Storage lse, Storage teacherLse, Storage logits, Storage teacher,
            Storage rows, int count, int cols, double temperature) {
        floats("distillation", kl, "kl lse teacherLse", count, kl, lse, teacherLse);
        floats("distillation", kl, "logits", rows == null ? (long) count * cols : 0, logits);
        floats("distillation", kl, "teacher", (long) count * cols, teacher);
        if (rows != null) {
            ids("distillation", "rows", rows, count, held(logits, cols));
        }
        runDistillation(kl, lse, teacherLse, logits, teacher, rows, count, cols, temperature);
    }

    protected void runDistillation(Storage kl, Storage lse, Storage teacherLse, Storage logits, Storage teacher,
            Storage rows, int count, int cols, double temperature) {
        plain("distillation", h -> ArrayDefinitions.distillation(h.of(kl), h.of(lse), h.of(teacherLse), h.of(logits),
                h.of(teacher), h.of(rows), count, cols, temperature));
    }

    /**
     * The gradient of weights_i · ((1−λ)·loss + λ·τ²·kl), loss as in {@link Kernels#crossEntropy} with hardLse for its lse, kl
     * as in {@link #distillation}:
     * dlogits[i,:] = weights_i·((1−λ)·(exp(logits[r,:] − hardLse_r) − onehot(targets_r)) + λ·τ·(p − q)).
     * In place (dlogits = logits) allowed, as in {@link Kernels#crossEntropyBackward}.
     *
     * @param dlogits (count, cols)
     * @param hardLse per row of logits; so are targets
     * @param mix λ in [0, 1]
     */
    public final void distillationBackward(Storage dlogits, Storage logits, Storage teacher, Storage hardLse,
            Storage lse, Storage teacherLse, Storage targets, Storage rows, Storage weights, int count, int cols,
            double temperature, double mix) {
        floats("distillationBackward", dlogits, "dlogits teacher", (long) count * cols, dlogits, teacher);
        floats("distillationBackward", dlogits, "lse teacherLse weights", count, lse, teacherLse, weights);
        kept("distillationBackward", dlogits, logits, hardLse, targets, rows, count, cols);
        runDistillationBackward(dlogits, logits, teacher, hardLse, lse, teacherLse, targets, rows, weights, count, cols,
                temperature, mix);
    }

    protected void runDistillationBackward(Storage dlogits, Storage logits, Storage teacher, Storage hardLse,
            Storage lse, Storage teacherLse, Storage targets, Storage rows, Storage weights, int count, int cols,
            double temperature, double mix) {
        plain("distillationBackward", h -> ArrayDefinitions.distillationBackward(h.of(dlogits), h.of(logits),
                h.of(teacher), h.of(hardLse), h.of(lse), h.of(teacherLse), h.of(targets), h.of(rows), h.of(weights),
                count, cols, temperature, mix));
    }
}
