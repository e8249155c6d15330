// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd;

import io.eslm.tensor.Checks;
import io.eslm.tensor.DType;
import io.eslm.tensor.Shape;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.Kernels;

/**
 * Which rows of a (total, cols) matrix a compact gradient (K, cols) holds; all other rows have gradient zero. Two gradients
 * with the same {@code Rows} object are added as they are, others in full.
 *
 * @param indices (K) I32, ascending, without repeats, in [0, total)
 * @param total number of rows of the full matrix
 */
public record Rows(Tensor indices, int total) {
    public Rows {
        Checks.type("rows", DType.I32, indices.dtype());
        Checks.check(indices.size() <= total, "rows", "%d indices for %d rows", indices.size(), total);
    }

    public int count() {
        return indices.size();
    }

    /** Shape (K, cols) of these rows of a tensor of shape {@code full}. */
    Shape shapeIn(Shape full) {
        return Shape.of(count(), total == 0 ? 0 : full.size() / total);
    }

    /** full[indices_i,:] += compact[i,:]. */
    void scatterAdd(Kernels kernels, Tensor full, Tensor compact) {
        kernels.scatterAddRows(full.storage(), compact.storage(), indices.storage(), count(),
                shapeIn(full.shape()).dim(1));
    }
}
