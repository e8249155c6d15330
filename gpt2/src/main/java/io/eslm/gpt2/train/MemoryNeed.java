// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.train;

import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.LowRank;
import io.eslm.gpt2.WeightFormat;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Q8Storage;
import java.util.Locale;
import java.util.Optional;

/** Estimates the memory that a model needs, before anything is allocated. */
public final class MemoryNeed {
    /** A larger need is this one: sums of needs stay in range. */
    private static final double MOST = 0x1p60;

    private MemoryNeed() {
    }

    /** Bytes of the weights. */
    public static long ofWeights(Gpt2Config config) {
        return 4 * config.parameterCount();
    }

    /** Bytes of the weights in a format. */
    public static long ofWeights(Gpt2Config config, WeightFormat format) {
        if (format == WeightFormat.F32) {
            return ofWeights(config);
        }
        long c = config.nEmbd();
        long inner = config.nInner();
        long tables = config.tied() ? 1 : 2;
        long matrices = tables * config.vocabSize() * c + config.nLayer() * (4 * c * c + 2 * c * inner);
        return tables * Q8Storage.bytes(config.vocabSize(), c)
                + config.nLayer() * (Q8Storage.bytes(4 * c + inner, c) + Q8Storage.bytes(c, inner))
                + 4 * (config.parameterCount() - matrices);
    }

    /** Bytes to load a model: its weights, and where they are rounded, the largest one in single precision too. */
    public static long ofLoading(Gpt2Config config, WeightFormat format) {
        long c = config.nEmbd();
        long largest = c * Math.max(config.vocabSize(), Math.max(3 * c, config.nInner()));
        return ofWeights(config, format) + (format == WeightFormat.F32 ? 0 : 4 * largest);
    }

    /** Bytes of a training step with B windows: {@link MemoryPlan#ofTraining}. */
    public static long ofTraining(Gpt2Config config, int batchSize) {
        return (long) Math.min(MemoryPlan.ofTraining(config, batchSize).bytes(), MOST); // exact below 2^53
    }

    /**
     * Bytes of a training step that trains {@code adapters} alone: the weights have no gradients and moments. Per token, an adapter
     * adds its inner values.
     */
    public static long ofTraining(Gpt2Config config, Optional<LowRank> adapters, int batchSize) {
        if (adapters.isEmpty()) {
            return ofTraining(config, batchSize);
        }
        LowRank lora = adapters.get();
        double tokens = (double) batchSize * config.blockSize();
        double inner = (double) lora.rank() * LowRank.LAYERS.size() * config.nLayer();
        double bytes = ofTraining(config, batchSize) - 3.0 * ofWeights(config)
                + 16.0 * lora.parameterCount(config) + 4 * tokens * inner;
        return (long) Math.min(bytes, MOST);
    }

    /**
     * {@link #ofTraining} for a rank of {@code ranks} that share the steps: of the sum of the gradients and of both moments it
     * has its part alone, and its own gradients beside them.
     */
    public static long ofRank(Gpt2Config config, Optional<LowRank> adapters, int batchSize, int ranks) {
        double trained = 4.0 * adapters.map(lora -> lora.parameterCount(config)).orElseGet(config::parameterCount);
        return (long) Math.min(ofTraining(config, adapters, batchSize) - 2 * trained + 3 * trained / ranks, MOST);
    }

    /** Values that a block has for each token where nothing is kept for a backward pass: 16C in GPT-2. */
    public static long ofBlock(Gpt2Config config) {
        return 8L * config.nEmbd() + 2L * config.nInner();
    }

    /**
     * Compares a need with the memory of {@code backend}.
     *
     * @param need bytes
     * @param what needs them, to begin the message
     * @param advice a sentence on what to do
     * @throws UserError if the memory is too small
     */
    public static void check(Backend backend, long need, String what, String advice) {
        long there = backend.memoryBytes();
        if (!fits(backend, need)) {
            throw new UserError(String.format(Locale.ROOT,
                    "%s needs about %.1f GB of memory, but backend '%s' has only %.1f GB. %s", what, need * 1e-9,
                    backend.name(), there * 1e-9, advice));
        }
    }

    /** True if a need leaves a little of the memory of {@code backend}. */
    public static boolean fits(Backend backend, long need) {
        return need <= backend.memoryBytes() * 0.95;
    }
}
