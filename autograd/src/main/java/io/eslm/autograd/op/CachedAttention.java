// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.op;

import io.eslm.autograd.Op;
import io.eslm.autograd.OpContext;
import io.eslm.autograd.Sample;
import io.eslm.autograd.SampleSource;
import io.eslm.tensor.Tensor;
import java.util.stream.Stream;

/**
 * Attention of new positions to a cache and to each other; see {@link io.eslm.tensor.backend.Kernels#attentionCached}. Input:
 * qkv (B·T, 3C) of the new positions → (B·T, C). For generation: it has no gradient.
 *
 * @param keys (B, NH, capacity, HS), written at the new positions; so are values
 * @param past positions already in the cache
 */
public record CachedAttention(Tensor keys, Tensor values, int past, int heads) implements Op {
    @Override
    public Tensor forward(OpContext context, Tensor... x) {
        int batch = keys.dim(0);
        int width = x[0].dim(-1) / 3;
        Tensor y = context.acquire(x[0].dim(0), width);
        context.kernels().attentionCached(y.storage(), keys.storage(), values.storage(), x[0].storage(), batch,
                x[0].dim(0) / batch, past, keys.dim(2), heads, width / heads);
        return y;
    }

    @Override
    public void backward(OpContext context, Tensor dy) {
        throw new UnsupportedOperationException("attention over a cache has no gradient; train with CausalAttention");
    }

    /** None: there is no gradient to check; the model's tests compare it with {@link CausalAttention}. */
    public static Stream<Sample> samples(SampleSource source) {
        return Stream.empty();
    }
}
