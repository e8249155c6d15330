// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend;

import java.util.Arrays;

/**
 * The kernels that choose rows, say what a row is to see, collect rows, and put them back. Conventions: {@link Kernels}, which every
 * backend extends.
 */
public abstract class SelectionKernels extends KernelBase {
    SelectionKernels() {
    }

    /**
     * rows_j = the j-th smallest i with x_i ≥ t, where t is the k-th smallest element of x; x (m), no element NaN; rows (m − k + 1),
     * I32. At least so many i qualify. Where more do, because elements equal t, the largest i are left out.
     *
     * @param k from 1, which keeps all, to m
     */
    public final void tail(Storage rows, Storage x, int m, int k) {
        if (k < 1 || k > m) {
            throw new IllegalArgumentException("kernel tail: k is " + k + ", which is outside [1, " + m + "]");
        }
        ints("tail", "rows", m - k + 1, rows);
        floats("tail", x, "x", m, x);
        runTail(rows, x, m, k);
    }

    protected void runTail(Storage rows, Storage x, int m, int k) {
        plain("tail", h -> tail(h.of(rows), h.of(x), m, k));
    }

    /** y[i,:] = x[rows_i,:]; x (·, cols), rows (count) → y (count, cols), of any type. Indices may repeat. */
    public final void gatherRows(Storage y, Storage x, Storage rows, int count, int cols) {
        same("gatherRows", "y", (long) count * cols, y, y);
        same("gatherRows", "y x", 0, y, x);
        ids("gatherRows", "rows", rows, count, held(x, cols));
        runGatherRows(y, x, rows, count, cols);
    }

    protected void runGatherRows(Storage y, Storage x, Storage rows, int count, int cols) {
        plain("gatherRows", h -> ArrayDefinitions.gatherRows(h.of(y), h.of(x), h.of(rows), count, cols));
    }

    /** y[rows_i,:] += x[i,:] in the order of i; x (count, cols), rows (count), y (·, cols). Indices may repeat. */
    public final void scatterAddRows(Storage y, Storage x, Storage rows, int count, int cols) {
        floats("scatterAddRows", y, "y", 0, y);
        floats("scatterAddRows", y, "x", (long) count * cols, x);
        ids("scatterAddRows", "rows", rows, count, held(y, cols));
        runScatterAddRows(y, x, rows, count, cols);
    }

    protected void runScatterAddRows(Storage y, Storage x, Storage rows, int count, int cols) {
        plain("scatterAddRows", h -> ArrayDefinitions.scatterAddRows(h.of(y), h.of(x), h.of(rows), count, cols));
    }

    private static void tail(HeapStorage rows, HeapStorage x, int m, int k) {
        double[] sorted = new double[m];
        for (int i = 0; i < m; i++) {
            sorted[i] = x.get(i);
        }
        Arrays.sort(sorted);
        double t = sorted[k - 1];
        int kept = 0;
        for (int i = 0; i < m && kept < m - k + 1; i++) {
            if (x.get(i) >= t) {
                rows.set(kept++, i);
            }
        }
    }

    /**
     * Where the document of each token begins: starts_bt = 1 + the largest s before t with ids_bs = {@code end}, the token that ends a
     * document; 0 if there is none. ids (batch, time), I32 → starts (batch·time), I32.
     */
    public final void documentStarts(Storage starts, Storage ids, int batch, int time, int end) {
        ints("documentStarts", "starts", (long) batch * time, starts);
        ints("documentStarts", "ids", (long) batch * time, ids);
        runDocumentStarts(starts, ids, batch, time, end);
    }

    protected void runDocumentStarts(Storage starts, Storage ids, int batch, int time, int end) {
        plain("documentStarts", h -> documentStarts(h.of(starts), h.of(ids), batch, time, end));
    }

    private static void documentStarts(HeapStorage starts, HeapStorage ids, int batch, int time, int end) {
        for (int i = 0; i < batch * time; i++) {
            int t = i % time;
            starts.set(i, t == 0 ? 0 : ids.get(i - 1) == end ? t : starts.get(i - 1));
        }
    }
}
