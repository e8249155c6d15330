// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2;

import io.eslm.autograd.Tape;
import io.eslm.autograd.Variable;
import io.eslm.autograd.nn.Linear;
import io.eslm.autograd.nn.Module;

/** C → 4C → C with GELU between: the per-token half of a block. */
final class Mlp extends Module {
    private final Linear up;
    private final Linear down;
    private final double dropout;

    Mlp(Gpt2Config config, Weights weights, String path) {
        int c = config.nEmbd();
        up = part("up", Gpt2.linear(weights, path + "up", c, 4 * c));
        down = part("down", Gpt2.linear(weights, path + "down", 4 * c, c));
        dropout = config.dropout();
    }

    /** x, residual (M, C) → residual + mlp(x). */
    Variable forward(Tape tape, Variable x, Variable residual) {
        return Gpt2.addTo(tape, residual, down, up.forwardGelu(x), dropout);
    }
}
