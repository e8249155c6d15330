// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.train;

import io.eslm.autograd.Parameter;
import io.eslm.autograd.optim.AdamW;
import io.eslm.autograd.optim.AdamWOptions;
import io.eslm.autograd.optim.Muon;
import io.eslm.autograd.optim.Optimizer;
import io.eslm.tensor.Tensor;
import java.util.Locale;
import java.util.Map;

/** What updates the weights. */
public enum OptimizerKind {
    /** {@link AdamW}. */
    ADAMW,
    /** {@link Muon} for the matrices of the blocks, AdamW for embeddings, head, biases and norms. */
    MUON;

    /** μ of Muon, as its authors set it. */
    private static final double MOMENTUM = 0.95;

    /** A new one of {@code parameters}, by the paths that a model gives them. */
    Optimizer of(Map<String, Parameter> parameters, AdamWOptions options) {
        return switch (this) {
            case ADAMW -> new AdamW(parameters, options);
            case MUON -> new Muon(parameters, OptimizerKind::isOfBlock, options, MOMENTUM);
        };
    }

    /**
     * Multiply-adds to update the parameter at {@code path}, all of which that takes; 0 if its values are updated one by one, so that
     * a part of them can be updated without the others.
     */
    long multiplyAdds(String path, Parameter parameter) {
        Tensor value = parameter.value();
        return this == MUON && isOfBlock(path) && value.rank() == 2
                ? Muon.multiplyAdds(value.dim(0), value.dim(1)) : 0;
    }

    private static boolean isOfBlock(String path) {
        return path.startsWith("blocks.");
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
