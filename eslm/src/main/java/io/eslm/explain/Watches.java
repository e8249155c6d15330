// SPDX-License-Identifier: Apache-2.0
package io.eslm.explain;

import io.eslm.autograd.OpContext;
import io.eslm.gpt2.train.MicroBatch;
import java.util.List;

/** Several watches of one step. */
final class Watches extends StepWatch {
    private final List<StepWatch> all;

    Watches(List<StepWatch> all) {
        this.all = List.copyOf(all);
    }

    @Override
    void begin(int micro) {
        all.forEach(w -> w.begin(micro));
    }

    @Override
    void loss(MicroBatch.Loss loss) {
        all.forEach(w -> w.loss(loss));
    }

    @Override
    void gradients() {
        all.forEach(StepWatch::gradients);
    }

    @Override
    public void beforeForward(OpContext op) {
        all.forEach(w -> w.beforeForward(op));
    }

    @Override
    public void afterForward(OpContext op) {
        all.forEach(w -> w.afterForward(op));
    }

    @Override
    public void beforeBackward(OpContext op) {
        all.forEach(w -> w.beforeBackward(op));
    }

    @Override
    public void afterBackward(OpContext op) {
        all.forEach(w -> w.afterBackward(op));
    }
}
