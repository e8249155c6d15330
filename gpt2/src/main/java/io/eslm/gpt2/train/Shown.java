// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.train;

import io.eslm.gpt2.Hooks;
import io.eslm.tensor.Tensor;

/**
 * What an {@link Objective} shows to those who look inside the model. {@link MicroBatch#over} and the model do it by themselves; an
 * objective that computes its own losses, or its own sum of them, calls it.
 */
public final class Shown {
    private Shown() {
    }

    /** Shows which tokens are kept, under the name {@code kept}: (B, T), 1 or 0. */
    public static void kept(MicroBatch batch, Selection selection) {
        if (batch.model().isHooked()) {
            float[] kept = new float[batch.tokens()];
            for (int k = 0; k < selection.kept(); k++) {
                kept[selection.rows() == null ? k : selection.rows()[k]] = 1;
            }
            values(batch, "kept", Tensor.of(batch.model().backend(), kept, kept.length));
        }
    }

    /** Shows a value of each token (M), such as {@code loss} or {@code entropy}. */
    public static void values(MicroBatch batch, String name, Tensor values) {
        for (Hooks hooks : batch.model().hooks()) {
            if (hooks.reads(name)) {
                hooks.read(name, values.reshape(batch.ids().shape()));
            }
        }
    }
}
