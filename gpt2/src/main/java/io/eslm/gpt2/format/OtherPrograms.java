// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.format;

import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.option.Option;
import io.eslm.tensor.UserError;
import java.util.List;
import java.util.function.Consumer;

/** What llama.cpp and llm.c compute: GPT-2 itself, and few of its variants. */
final class OtherPrograms {
    static final String EXACT_GELU = "gelu";
    private static final String GELU = Gpt2Config.ACTIVATIONS.getFirst();

    private OtherPrograms() {
    }

    /**
     * Says in {@code notes} what {@code program} computes a little differently.
     *
     * @throws UserError if it computes something else
     */
    static void check(String program, Gpt2Config config, Consumer<String> notes) {
        String activation = config.values().get(Gpt2Config.ACTIVATION);
        if (activation.equals(EXACT_GELU)) {
            notes.accept(
                    program + " computes GELU by its tanh form, and this model was trained with the exact one: its "
                            + "losses there differ by up to 1e-3 nats a token");
        } else {
            same(program, config, Gpt2Config.ACTIVATION, GELU);
        }
        same(program, config, Gpt2Config.SCALE_ATTN_WEIGHTS, true);
        same(program, config, Gpt2Config.SCALE_ATTN_BY_INVERSE_LAYER_IDX, false);
        if (!config.bias()) {
            notes.accept("the model has no biases; the file has zeros in their place");
        }
    }

    /** @throws UserError if {@code option} is not {@code value} */
    static <T> void same(String program, Gpt2Config config, Option<T> option, T value) {
        T found = config.values().get(option);
        if (!List.of(value).contains(found)) {
            throw new UserError(
                    program + " cannot compute this model: its " + option + " is " + found + ", and there it is "
                            + "always " + value + ". Choose another format");
        }
    }
}
