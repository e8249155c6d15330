// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd;

import io.eslm.tensor.Tensor;

/**
 * Which rows of a (total, cols) matrix a compact gradient (K, cols) holds; all other rows have gradient zero.
 *
 * @param indices (K) I32, ascending, without repeats
 * @param total number of rows of the full matrix
 */
public record Rows(Tensor indices, int total) {
    public int count() {
        return indices.size();
    }
}
