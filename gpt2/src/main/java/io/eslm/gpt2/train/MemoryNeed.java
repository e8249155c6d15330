// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.train;

import io.eslm.gpt2.Gpt2Config;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Backend;
import java.util.Locale;

/** How many bytes a model takes, known before anything is allocated. */
public final class MemoryNeed {
    private MemoryNeed() {
    }

    /** Weights alone. */
    public static long ofWeights(Gpt2Config config) {
        return 4 * config.parameterCount();
    }

    /**
     * A training step of B windows: weights, gradients and both moments; per block and token the residual streams, norms,
     * qkv, attention and both sides of the GELU (18C); logits; and the gradients in flight.
     */
    public static long ofTraining(Gpt2Config config, int batchSize) {
        long tokens = (long) batchSize * config.blockSize();
        long c = config.nEmbd();
        long perToken = config.nLayer() * 18L * c + config.vocabSize() + 12 * c;
        return 4 * ofWeights(config) + 4 * tokens * perToken;
    }

    /** @throws UserError if the memory of {@code backend} cannot hold {@code need} bytes */
    public static void check(Backend backend, long need, String what, String advice) {
        long there = backend.memoryBytes();
        if (need > there * 0.95) {
            throw new UserError(String.format(Locale.ROOT,
                    "%s needs about %.1f GB of memory, but %.1f GB are available to backend '%s'. %s", what,
                    need * 1e-9,
                    there * 1e-9, backend.name(), advice));
        }
    }
}
