// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.tornado;

import io.eslm.tensor.backend.Dropouts;
import io.eslm.tensor.backend.Storage;

/**
 * Attention as batched products with a row kernel between them ({@link Attention}). Scores are kept in scratch memory
 * for as many sequences at a time as there is room for; each row of scores comes from the same operations however many
 * these are.
 */
final class DeviceAttention {
    private static final int LEAST_ROOM = 1 << 24;
    private static final int MOST_ROOM = 1 << 26;
    private final Device device;
    private final Scratch scratch;
    /** Scores at a time, and as many gradients of scores. */
    private final int room;

    DeviceAttention(Device device, Scratch scratch) {
        this.device = device;
        this.scratch = scratch;
        room = Math.min(Math.clamp(device.floatCapacity() / 32, LEAST_ROOM, MOST_ROOM),
                device.floatCapacities()[0] / 4);
    }

    /** True if the scores of one sequence fit, {@code queries} by {@code keys} of each head. */
    boolean fits(int queries, int keys, int heads) {
        return (long) heads * queries * keys <= room;
    }

    /** Sequences whose scores are kept at a time. */
    private int sequences(int heads, int square) {
        return Math.max(1, room / Math.max(1, heads * square));
    }

    /** Scores and their gradients, of as many sequences as are computed together. */
    long scoreBytes(int batch, int time, int heads) {
        int square = time * time;
        return 2L * Float.BYTES * Math.min(sequences(heads, square), batch) * heads * square;
    }

    void forward(Storage y, Storage lse, Storage qkv, int batch, int time, int heads, int size, double p, int seed) {
        int width = heads * size;
        int square = time * time;
        int most = sequences(heads, square);
        for (int b = 0; b < batch; b += most) {
            int sequences = Math.min(most, batch - b);
            int count = sequences * heads;
            Storage scores = scratch.floats(count * square);
            int in = b * time * 3 * width;
            scores(scores, qkv, in, count, time, heads, size);
            new Call(device).with(scores, lse).with(time, 0, b * heads, Dropouts.threshold(p), seed)
                    .scalars(Double.NEGATIVE_INFINITY, 1 / (1 - p))
                    .rows(DeviceKernel.ATTENTION_SOFTMAX, count * time);
            new Product(y, scores, qkv, time, time, size).strides(width, time, 3 * width)
                    .offsets(b * time * width, 0, in + 2 * width).causal(Gemm.LOWER_A, 0)
                    .batch(count, heads, time * width, heads * square, 3 * time * width, size, square, size)
                    .launch(device);
        }
    }

    /** s_ij = q_i·k_j/√HS for j ≤ i, of {@code count} heads, from the sequence that begins at {@code in}. */
    private void scores(Storage scores, Storage qkv, int in, int count, int time, int heads, int size) {
        int width = heads * size;
        new Product(scores, qkv, qkv, time, size, time).transposed(false, true).strides(time, 3 * width, 3 * width)
                .offsets(0, in, in + width).scaled(1 / Math.sqrt(size)).causal(Gemm.LOWER, 0)
                .batch(count, heads, heads * time * time, 3 * time * width, 3 * time * width, time * time, size, size)
                .launch(device);
    }

    void backward(Storage dqkv, Storage dy, Storage rows, int kept, Storage qkv, Storage y, Storage lse, int batch,
            int time, int heads, int size, double p, int seed) {
        int width = heads * size;
        int square = time * time;
        int most = sequences(heads, square);
        int full = rows == null ? 0 : batch * time * width;
        int block = Math.min(most, batch) * heads * square;
        DeviceStorage all = scratch.floats(2 * block + full);
        Storage dp = all.slice(block, block);
        Storage dyAll = rows == null ? dy : all.slice(2 * block, full);
        if (rows != null) {
            new Call(device).with(dyAll, dy).ints(rows).with(kept, full, width).each(DeviceKernel.ATTENTION_EXPAND,
                    full);
        }
        for (int b = 0; b < batch; b += most) {
            int count = Math.min(most, batch - b) * heads;
            int in = b * time * 3 * width;
            int out = b * time * width;
            scores(all, qkv, in, count, time, heads, size);
            new Product(dp, dyAll, qkv, time, size, time).transposed(false, true).strides(time, width, 3 * width)
                    .offsets(0, out, in + 2 * width).causal(Gemm.LOWER, 0)
                    .batch(count, heads, heads * square, time * width, 3 * time * width, square, size, size)
                    .launch(device);
            new Call(device).with(all, dp, lse, y, dyAll)
                    .with(time, heads, size, b * heads, Dropouts.threshold(p), seed)
                    .scalars(1 / Math.sqrt(size), 1 / (1 - p)).rows(DeviceKernel.ATTENTION_BACKWARD, count * time);
            // dq = ds·k, dk = dsᵀ·q, dv = p̃ᵀ·dy
            gradient(dqkv, in, dp, qkv, in + width, 3 * width, false, count, time, heads, size);
            gradient(dqkv, in + width, dp, qkv, in, 3 * width, true, count, time, heads, size);
            gradient(dqkv, in + 2 * width, all, dyAll, out, width, true, count, time, heads, size);
        }
    }

    /** The columns of dqkv from {@code to} = op(a)·x, a lower triangular (T, T), x (T, HS) at {@code from}. */
    private void gradient(Storage dqkv, int to, Storage a, Storage x, int from, int xStride, boolean transposed,
            int count, int time, int heads, int size) {
        int width = heads * size;
        new Product(dqkv, a, x, time, time, size).transposed(transposed, false).strides(3 * width, time, xStride)
                .offsets(to, 0, from).causal(transposed ? Gemm.UPPER_A : Gemm.LOWER_A, 0)
                .batch(count, heads, 3 * time * width, heads * time * time, time * xStride, size, time * time, size)
                .launch(device);
    }

    /** Of new positions, over a cache in which their keys and values are. */
    void cached(Storage y, Storage keys, Storage values, Storage qkv, int batch, int time, int past, int capacity,
            int heads, int size) {
        int width = heads * size;
        int all = past + time;
        int count = batch * heads;
        Storage scores = scratch.floats(count * time * all);
        new Product(scores, qkv, keys, time, size, all).transposed(false, true).strides(all, 3 * width, size)
                .scaled(1 / Math.sqrt(size))
                .batch(count, heads, heads * time * all, 3 * time * width, heads * capacity * size, time * all, size,
                        capacity * size)
                .launch(device);
        new Call(device).with(scores, null).with(time, past, 0, 0, 0).scalars(Double.NEGATIVE_INFINITY, 1)
                .rows(DeviceKernel.ATTENTION_SOFTMAX, count * time);
        new Product(y, scores, values, time, all, size).strides(width, all, size).causal(Gemm.LOWER_A, past)
                .batch(count, heads, time * width, heads * time * all, heads * capacity * size, size, time * all,
                        capacity * size)
                .launch(device);
    }
}
