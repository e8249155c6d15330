// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2;

import io.eslm.autograd.Op;
import io.eslm.autograd.Parameter;
import io.eslm.autograd.op.basic.Activate;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.Activation;
import java.util.Arrays;

/** What some models have in place of what GPT-2 has. A model without variants does not load this class. */
final class Variants {
    private Variants() {
    }

    /** The op of {@link Gpt2Config#ACTIVATION}, which is not gelu_new. */
    static Op activation(Gpt2Config config) {
        return new Activate(switch (config.values().get(Gpt2Config.ACTIVATION)) {
            case "gelu" -> Activation.GELU;
            case "quick_gelu" -> Activation.QUICK_GELU;
            case "relu" -> Activation.RELU;
            case "silu" -> Activation.SILU;
            default -> throw new IllegalArgumentException("no op for " + config);
        });
    }

    /** The bias of a layer without one: zeros, which no training changes, for each column of {@code weight}. */
    static Parameter noBias(Tensor weight) {
        return Parameter.fixed(Tensor.zeros(weight.backend(), weight.dtype(), weight.dim(-1)));
    }

    /**
     * (3C): {@code factor} for the columns of the queries, 1 for the others. Attention divides scores by √HS; to scale the queries is
     * to scale the scores.
     *
     * @param qkv the weight (C, 3C)
     */
    static Tensor scaleOfQueries(double factor, Tensor qkv) {
        double[] columns = new double[qkv.dim(-1)];
        Arrays.fill(columns, 1);
        Arrays.fill(columns, 0, columns.length / 3, factor);
        return Tensor.of(qkv.backend(), qkv.dtype(), columns, columns.length);
    }
}
