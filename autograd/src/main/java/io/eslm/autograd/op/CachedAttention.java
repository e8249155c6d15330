// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.op;

import io.eslm.autograd.Op;
import io.eslm.autograd.OpContext;
import io.eslm.tensor.Checks;
import io.eslm.tensor.Tensor;

/**
 * Causal self-attention of new positions to all positions so far; see {@link io.eslm.tensor.backend.Kernels#attentionCached}. Input:
 * qkv (B·T, 3C) of the new positions → (B·T, C). For generation: it writes to keys and values, and has no gradient.
 *
 * @param keys (B, NH, capacity, HS), of which {@code past} positions are set
 * @param values like keys
 * @param past positions before the first new one
 */
public record CachedAttention(Tensor keys, Tensor values, int past, int heads) implements Op {
    @Override
    public Tensor forward(OpContext context, Tensor... x) {
        Checks.check(keys.dim(1) == heads, "cached attention", "the cache %s has %d heads, was given %d", keys.shape(),
                keys.dim(1), heads);
        int batch = keys.dim(0);
        int time = x[0].shape().rows() / batch;
        int capacity = keys.dim(2);
        int headSize = keys.dim(3);
        Checks.check(keys.shape().equals(values.shape()), "cached attention", "shapes differ: %s and %s", keys.shape(),
                values.shape());
        Checks.check(x[0].size() == batch * time * 3 * heads * headSize, "cached attention",
                "qkv %s does not fit a cache %s of %d heads", x[0].shape(), keys.shape(), heads);
        Checks.check(past + time <= capacity, "cached attention", "%d new positions after %d do not fit a cache of %d",
                time, past, capacity);
        Tensor y = context.acquire(batch * time, heads * headSize);
        context.kernels().attentionCached(y.storage(), keys.storage(), values.storage(), x[0].storage(), batch, time,
                past, capacity, heads, headSize);
        return y;
    }

    @Override
    public void backward(OpContext context, Tensor dy) {
        throw new UnsupportedOperationException("cached attention: has no gradient; train with CausalAttention");
    }
}
