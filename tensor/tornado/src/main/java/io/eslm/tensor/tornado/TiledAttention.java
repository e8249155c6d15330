// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.tornado;

import io.eslm.tensor.backend.Dropouts;
import io.eslm.tensor.backend.Storage;

/**
 * Attention tile by tile ({@link AttentionTiles}): in scratch memory it keeps one number for each row of dy and head. A query
 * without a gradient costs the backward pass nothing, and neither does a key of another document.
 */
final class TiledAttention {
    private final Device device;
    private final Scratch scratch;

    TiledAttention(Device device, Scratch scratch) {
        this.device = device;
        this.scratch = scratch;
    }

    void forward(Storage y, Storage lse, Storage qkv, Storage starts, int batch, int time, int heads, int size,
            double p, int seed) {
        int width = heads * size;
        new Call(device).with(y, lse, qkv).from(qkv, width).from(qkv, 2 * width).ints(starts)
                .with(time, 0, heads, size, 3 * width, 3 * width, 3 * time * width, size, Dropouts.threshold(p), seed)
                .scalars(Double.NEGATIVE_INFINITY, 1 / Math.sqrt(size), 1 / (1 - p))
                .grid(DeviceKernel.ATTENTION, tiles(time), tiles(size), batch * heads);
    }

    void backward(Storage dqkv, Storage dy, Storage rows, int kept, Storage qkv, Storage y, Storage lse, Storage starts,
            int batch, int time, int heads, int size, double p, int seed) {
        Storage delta = scratch.floats(kept * heads);
        new Call(device).with(delta, dy, y).ints(rows).with(kept * heads, heads, size)
                .each(DeviceKernel.ATTENTION_DELTA, kept * heads);
        if (rows != null) {
            int n = 3 * batch * time * heads * size;
            new Call(device).with(dqkv).with(n).scalars(0).each(DeviceKernel.FILL, n);
        }
        for (DeviceKernel kernel : new DeviceKernel[] {DeviceKernel.ATTENTION_QUERIES, DeviceKernel.ATTENTION_KEYS}) {
            new Call(device).with(dqkv, qkv, dy, lse, delta).ints(rows).with(kept).ints(starts)
                    .with(time, heads, size, Dropouts.threshold(p), seed)
                    .scalars(1 / Math.sqrt(size), 1 / (1 - p))
                    .grid(kernel, tiles(time), tiles(size), batch * heads);
        }
    }

    /** Of new positions, over a cache in which their keys and values are. */
    void cached(Storage y, Storage keys, Storage values, Storage qkv, int batch, int time, int past, int capacity,
            int heads, int size) {
        new Call(device).with(y, null, qkv, keys, values).ints((Storage) null)
                .with(time, past, heads, size, 3 * heads * size, size, heads * capacity * size, capacity * size, 0, 0)
                .scalars(Double.NEGATIVE_INFINITY, 1 / Math.sqrt(size), 1)
                .grid(DeviceKernel.ATTENTION, tiles(time), tiles(size), batch * heads);
    }

    private static int tiles(int n) {
        return (n + AttentionTiles.TILE - 1) / AttentionTiles.TILE;
    }
}
