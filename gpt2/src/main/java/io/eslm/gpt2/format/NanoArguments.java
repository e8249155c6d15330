// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.format;

import io.eslm.gpt2.Gpt2Config;
import io.eslm.tensor.UserError;
import java.util.Map;

/** {@code model_args} of a nanoGPT checkpoint, whose GELU is the exact one. */
record NanoArguments(MappedFile file, Map<?, ?> values) {
    private static final int OLD_VOCABULARY = 50257;

    /** @throws UserError if they describe no GPT-2 that can be built */
    Gpt2Config config() {
        try {
            return Gpt2Config.of(count("n_layer"), count("n_head"), count("n_embd"), count("block_size"))
                    .with(Gpt2Config.VOCAB_SIZE,
                            values.get("vocab_size") == null ? OLD_VOCABULARY : count("vocab_size"))
                    .with(Gpt2Config.DROPOUT, values.get("dropout") instanceof Double p ? p : 0.0)
                    .with(Gpt2Config.BIAS, values.get("bias") instanceof Boolean bias ? bias : true)
                    .with(Gpt2Config.ACTIVATION, OtherPrograms.EXACT_GELU).check();
        } catch (UserError e) {
            throw new UserError(file.file() + ": model_args: " + e.getMessage(), e);
        }
    }

    private int count(String field) {
        if (values.get(field) instanceof Long n && n > 0 && n <= Integer.MAX_VALUE) {
            return n.intValue();
        }
        throw new UserError(field + " is " + MappedFile.shown(text(values.get(field))) + ", expected a count");
    }

    /** Of a value that may be as deep as one likes. */
    private static String text(Object value) {
        return value instanceof Number || value instanceof String ? value.toString()
                : value == null ? "missing" : "of another kind";
    }
}
