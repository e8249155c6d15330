// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2;

import io.eslm.tensor.DType;
import io.eslm.tensor.Rng;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.Backend;
import java.util.stream.IntStream;

/** Provides the initial values of a model, from random numbers or a checkpoint. */
@FunctionalInterface
public interface Weights {
    /** Elements that share a random stream, so that large tables fill on all cores, with the same values on any number. */
    int CHUNK = 1 << 16;

    /** The value, of shape {@code dims}, of the parameter at {@code path}, for example {@code blocks.0.mlp.up.weight}. */
    Tensor load(String path, int... dims);

    /** The adapters that a model of these weights trains in their place; null if it trains the weights. */
    default LowRank lowRank() {
        return null;
    }

    /**
     * GPT-2's initialisation (GPT-2 paper §2.3): normal weights with standard deviation 0.02, or 0.02/√(2L) in projections
     * to the residual stream; biases 0; norm scales 1.
     */
    static Weights random(Gpt2Config config, Backend backend, Rng rng) {
        double residual = 0.02 / Math.sqrt(2.0 * config.nLayer());
        return (path, dims) -> {
            if (path.endsWith("bias")) {
                return Tensor.zeros(backend, DType.F32, dims);
            }
            Tensor t = Tensor.zeros(backend, DType.F32, dims);
            if (dims.length == 1) {
                backend.kernels().fill(t.storage(), t.size(), 1);
            } else {
                boolean projection = path.endsWith("projection.weight") || path.endsWith("down.weight");
                float[] values = normal(t.size(), rng.split(path), projection ? residual : 0.02);
                backend.write(t.storage(), values, 0, values.length);
            }
            return t;
        };
    }

    private static float[] normal(int n, Rng rng, double deviation) {
        float[] values = new float[n];
        IntStream.range(0, (n + CHUNK - 1) / CHUNK).parallel().forEach(chunk -> {
            Rng own = rng.split("chunk " + chunk);
            for (int i = chunk * CHUNK; i < Math.min(n, (chunk + 1) * CHUNK); i++) {
                values[i] = (float) (deviation * own.nextGaussian());
            }
        });
        return values;
    }
}
