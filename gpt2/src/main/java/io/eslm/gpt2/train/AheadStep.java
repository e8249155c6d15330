// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.train;

import io.eslm.autograd.optim.Optimizer;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.data.TokenData;
import io.eslm.gpt2.train.MicroBatch.Loss;

/**
 * A step on a device that runs ahead of the host: the host reads the losses of all micro-batches together, and chooses no token if
 * the method lets the device.
 */
final class AheadStep extends TrainStep {
    private final Optimizer optimizer;
    private final LaterLosses later;

    AheadStep(Gpt2 model, Objective objective, TokenData data, TrainOptions options, Optimizer optimizer) {
        super(model, objective, data, options, optimizer);
        this.optimizer = optimizer;
        later = new LaterLosses(model.backend());
    }

    @Override
    LaterLosses later() {
        return later.orNull(model);
    }

    @Override
    Loss gradients() {
        long begin = sampler.position();
        later.clear();
        return later.total(super.gradients()).orElseGet(() -> {
            sampler.seek(begin);
            objective.takeSeen();
            optimizer.clearGradients();
            return later.withHost(super::gradients);
        });
    }

    @Override
    void backward(Loss loss) {
        super.backward(loss);
        model.backend().start();
    }
}
