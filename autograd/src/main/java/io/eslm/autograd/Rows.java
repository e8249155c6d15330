// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd;

import io.eslm.tensor.Checks;
import io.eslm.tensor.DType;
import io.eslm.tensor.Shape;
import io.eslm.tensor.Tensor;

/**
 * The rows of a (total, cols) matrix that a compact gradient (K, cols) holds; all other rows have gradient zero. Gradients that
 * name the same {@code Rows} object are added row by row, others in full.
 *
 * @param indices (K) I32, ascending, without repeats, in [0, total); {@link #of} checks that, this constructor does not
 * @param total number of rows of the full matrix
 */
public record Rows(Tensor indices, int total) {
    /** @throws IllegalArgumentException if the indices are not I32, or more than {@code total} */
    public Rows {
        Checks.type("rows", DType.I32, indices.dtype());
        Checks.check(indices.size() <= total, "rows", "%d indices for %d rows", indices.size(), total);
    }

    /**
     * The rows {@code kept}, checked, in memory of {@code tape} until {@link Tape#reset}.
     *
     * @param kept ascending, without repeats, in [0, total)
     * @throws IndexOutOfBoundsException if an index is outside [0, total)
     * @throws IllegalArgumentException if an index is not above the one before it
     */
    public static Rows of(Tape tape, int[] kept, int total) {
        Checks.ids("rows", kept, kept.length, total);
        for (int i = 1; i < kept.length; i++) {
            if (kept[i] <= kept[i - 1]) {
                throw new IllegalArgumentException(
                        "rows: index " + kept[i] + " follows " + kept[i - 1] + " at position "
                                + i + "; indices must ascend, without repeats");
            }
        }
        return new Rows(tape.put(kept, kept.length), total);
    }

    /** Number of rows, K. */
    public int count() {
        return indices.size();
    }

    /** Shape (K, cols) of these rows of a tensor of shape {@code full}. */
    Shape shapeIn(Shape full) {
        return Shape.of(count(), total == 0 ? 0 : full.size() / total);
    }

    /** The rows of {@code full} (total, cols), in memory of {@code context}. */
    public Tensor gather(OpContext context, Tensor full) {
        Tensor y = context.acquire(full.dtype(), shapeIn(full.shape()));
        context.kernels().gatherRows(y.storage(), full.storage(), indices.storage(), count(), y.dim(1));
        return y;
    }

    /** Overwrites {@code full} with {@code compact} (K, cols) in these rows, and zeros in the others; returns it. */
    public Tensor expand(Tensor full, Tensor compact) {
        full.kernels().fill(full.storage(), full.size(), 0);
        add(full, compact);
        return full;
    }

    /** full[indices_i,:] += compact[i,:]. */
    void add(Tensor full, Tensor compact) {
        full.kernels().scatterAddRows(full.storage(), compact.storage(), indices.storage(), count(),
                shapeIn(full.shape()).dim(1));
    }
}
