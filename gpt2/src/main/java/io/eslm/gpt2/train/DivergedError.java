// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.train;

import io.eslm.tensor.UserError;

/** A loss or a gradient is not finite: this run cannot continue, but another one may. */
public final class DivergedError extends UserError {
    private static final long serialVersionUID = 1L;

    DivergedError(String message) {
        super(message);
    }
}
