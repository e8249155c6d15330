// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench;

import io.eslm.gpt2.Gpt2Config;

/** The models to time: presets, or any size. */
public final class ModelSize {
    static final String HELP = "a preset, or LAYERSxWIDTH such as 6x384 (heads of 64, GPT-2's vocabulary)";

    private ModelSize() {
    }

    /** The model that {@code model} names, for windows of {@code seq} tokens. */
    public static Gpt2Config config(String model, int seq) {
        if (model.matches("\\d+x\\d+")) {
            int layers = Integer.parseInt(model.substring(0, model.indexOf('x')));
            int width = Integer.parseInt(model.substring(model.indexOf('x') + 1));
            return Gpt2Config.of(layers, Math.max(1, width / 64), width, seq);
        }
        Gpt2Config preset = Gpt2Config.preset(model);
        return Gpt2Config.of(preset.nLayer(), preset.nHead(), preset.nEmbd(), seq);
    }
}
