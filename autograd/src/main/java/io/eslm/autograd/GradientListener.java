// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd;

import io.eslm.tensor.Tensor;

/** Hears the gradient of a {@link Variable} on its way back. */
@FunctionalInterface
public interface GradientListener {
    /**
     * Called by {@link Tape#backward}; all arguments are valid during the call.
     *
     * @param gradient like the value; or, if {@code rows} is not null, (K, cols), the gradients of those rows of the value seen as
     *            a matrix, all others being zero. Do not write to it
     */
    void hear(Tensor gradient, Rows rows);

    /** This one, then {@code next}. */
    default GradientListener before(GradientListener next) {
        return (gradient, rows) -> {
            hear(gradient, rows);
            next.hear(gradient, rows);
        };
    }
}
