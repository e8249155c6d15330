// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2;

import io.eslm.tensor.DType;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.Backend;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Keys and values of all positions so far, of each layer (B, NH, capacity, HS), so that generation computes each position
 * only once.
 */
public final class KeyValueCache {
    private final List<Tensor> keys;
    private final List<Tensor> values;
    private final int capacity;
    private int length;

    KeyValueCache(Gpt2Config config, Backend backend, int batch, int capacity) {
        this.capacity = capacity;
        this.keys = allocate(config, backend, batch, capacity);
        this.values = allocate(config, backend, batch, capacity);
    }

    private static List<Tensor> allocate(Gpt2Config config, Backend backend, int batch, int capacity) {
        return IntStream.range(0, config.nLayer())
                .mapToObj(i -> Tensor.zeros(backend, DType.F32, batch, config.nHead(), capacity, config.headSize()))
                .toList();
    }

    Tensor keys(int layer) {
        return keys.get(layer);
    }

    Tensor values(int layer) {
        return values.get(layer);
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

    void advance(int positions) {
        length += positions;
    }
}
