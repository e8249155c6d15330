// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.checkpoint;

import io.eslm.gpt2.PretrainedNames;
import io.eslm.tensor.Tensor;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * The biases of a model without biases. Hugging Face's GPT-2 always has some, so a model without them is written with zeros, which
 * compute the same; {@code "bias": false} in config.json says that they are none.
 */
final class ZeroBiases {
    /** Layers that have a bias in GPT-2, in Hugging Face's words. */
    private static final Pattern BIAS =
            Pattern.compile("(h\\.\\d+\\.(ln_[12]|attn\\.c_attn|attn\\.c_proj|mlp\\.c_fc|mlp\\.c_proj)|ln_f)\\.bias");

    private ZeroBiases() {
    }

    /** True for the name of a bias, with or without prefix. */
    static boolean isBias(String name) {
        return BIAS.matcher(PretrainedNames.bare(name)).matches();
    }

    /** {@code tensors} with zeros for each bias that they lack. */
    static Map<String, Tensor> added(Map<String, Tensor> tensors) {
        Map<String, Tensor> all = new LinkedHashMap<>();
        tensors.forEach((name, weight) -> {
            all.put(name, weight);
            String bias = name.replaceFirst("weight$", "bias");
            if (isBias(bias)) {
                all.put(bias, Tensor.zeros(weight.backend(), weight.dtype(), weight.dim(-1)));
            }
        });
        return all;
    }
}
