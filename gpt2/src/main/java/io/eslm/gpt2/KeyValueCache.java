// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2;

import io.eslm.autograd.Tape;
import io.eslm.autograd.Variable;
import io.eslm.autograd.op.CachedAttention;
import io.eslm.tensor.Checks;
import io.eslm.tensor.DType;
import io.eslm.tensor.Tensor;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Runs a model for generation: it keeps the keys and values of all positions so far, of each layer (B, NH, capacity, HS), so
 * that each position is computed only once.
 */
public final class KeyValueCache {
    private final Gpt2 model;
    private final List<Tensor> keys;
    private final List<Tensor> values;
    private final int capacity;
    private int length;

    /**
     * An empty cache for {@code batch} sequences of at most {@code capacity} positions.
     *
     * @throws IllegalArgumentException if the model has fewer positions
     */
    public KeyValueCache(Gpt2 model, int batch, int capacity) {
        Checks.check(capacity <= model.config().blockSize(), "gpt2",
                "a cache of %d positions exceeds the model's %d positions", capacity, model.config().blockSize());
        this.model = model;
        this.capacity = capacity;
        this.keys = allocate(model, batch, capacity);
        this.values = allocate(model, batch, capacity);
    }

    private static List<Tensor> allocate(Gpt2 model, int batch, int capacity) {
        Gpt2Config config = model.config();
        return IntStream.range(0, config.nLayer()).mapToObj(
                i -> Tensor.zeros(model.backend(), DType.F32, batch, config.nHead(), capacity, config.headSize()))
                .toList();
    }

    /**
     * New positions ids (B, T) I32 → their hidden states after the final norm, (B·T, C). Keeps their keys and values. Takes an
     * evaluation tape.
     */
    public Variable forward(Tape tape, Tensor ids) {
        int time = ids.dim(1);
        Checks.check(length + time <= capacity, "gpt2",
                "%d new positions do not fit a cache of %d that already has %d", time, capacity, length);
        Variable y = tape.scoped(() -> {
            Variable x = model.embed(tape, ids, length);
            for (int i = 0; i < keys.size(); i++) {
                x = model.block(i, x,
                        new CachedAttention(keys.get(i), values.get(i), length, model.config().nHead()));
            }
            return model.finalNorm(x);
        });
        length += time;
        return y;
    }

    /** Number of positions it holds. */
    public int length() {
        return length;
    }

    /** Number of positions it can hold. */
    public int capacity() {
        return capacity;
    }

    /** Forgets all positions. */
    public void clear() {
        length = 0;
    }
}
