// SPDX-License-Identifier: Apache-2.0
package io.eslm.explain;

import com.google.gson.JsonObject;
import io.eslm.autograd.OpContext;
import io.eslm.autograd.OpListener;
import io.eslm.autograd.Tape;
import io.eslm.autograd.WatchedWorkspace;
import io.eslm.autograd.optim.Optimizer;
import io.eslm.gpt2.train.Flops;
import io.eslm.gpt2.train.MicroBatch.Loss;
import io.eslm.gpt2.train.MicroBatch;
import io.eslm.gpt2.train.Objective;
import io.eslm.gpt2.train.TrainOptions;
import io.eslm.tensor.Rng;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.FlopCounter.Phase;

/**
 * Takes a {@link Step} as often as it is asked to, as a run takes it: same tokens, same random numbers, same kernels. The
 * update has a learning rate of 0, so that the weights stay as they are.
 */
final class StepRunner implements AutoCloseable {
    private final Step step;
    private final Backend backend;
    private final Tape tape;
    private StepWatch watch = new StepWatch();

    StepRunner(Step step) {
        this.step = step;
        this.backend = step.model().backend();
        this.tape = Tape.recording(new WatchedWorkspace(backend, new Hears()), Rng.of(0));
    }

    /** Tells the watch of the run that is going on. */
    private final class Hears implements OpListener {
        @Override
        public void beforeForward(OpContext op) {
            watch.beforeForward(op);
        }

        @Override
        public void afterForward(OpContext op) {
            watch.afterForward(op);
        }

        @Override
        public void beforeBackward(OpContext op) {
            watch.beforeBackward(op);
        }

        @Override
        public void afterBackward(OpContext op) {
            watch.afterBackward(op);
        }
    }

    private long now() {
        backend.finish();
        return System.nanoTime();
    }

    /**
     * Takes the step once.
     *
     * @param state of the objective before it
     * @throws UserError if the loss or the gradient is not finite
     */
    StepOutcome run(Objective objective, JsonObject state, StepWatch newWatch) {
        watch = newWatch;
        if (!state.isEmpty()) {
            objective.restore(state);
        }
        Flops before = Flops.of(backend.flops());
        int micros = step.batch().micros();
        double lossSum = 0;
        double keptLossSum = 0;
        double var = 0;
        double alpha = 0;
        int tokens = 0;
        int kept = 0;
        long forward = 0;
        long backward = 0;
        long start = now();
        step.optimizer().clearGradients();
        long update = now() - start;
        for (int micro = 0; micro < micros; micro++) {
            long begin = now();
            Loss loss = objective.of(batch(micro));
            watch.loss(loss);
            check(loss.lossSum(), "loss");
            long middle = now();
            backend.flops().run(Phase.BACKWARD, () -> tape.backward(loss.loss()));
            tokens += loss.tokens();
            kept += loss.kept();
            lossSum += loss.lossSum();
            keptLossSum += loss.keptLossSum();
            var += loss.valueAtRisk() / micros;
            alpha += loss.alpha() / micros;
            forward += middle - begin;
            backward += now() - middle;
        }
        tape.reset();
        watch.gradients();
        start = now();
        double norm = step.optimizer().gradientNorm();
        check(norm, "norm of the gradient");
        step.optimizer().step(0, Optimizer.clipScale(norm, step.options().get(TrainOptions.GRAD_CLIP)));
        update += now() - start;
        return new StepOutcome(tokens, lossSum / tokens, kept, keptLossSum / kept, var, alpha, norm,
                Flops.of(backend.flops()).minus(before), forward, backward, update);
    }

    private MicroBatch batch(int micro) {
        Batch batch = step.batch();
        Rng rng = Rng.of(step.options().get(TrainOptions.SEED)).split("step " + step.done() + " " + micro);
        tape.reset(rng.split("dropout"));
        watch.begin(micro);
        return new MicroBatch(tape, step.model(), tape.put(batch.inputs().get(micro), batch.windows(), batch.time()),
                tape.put(batch.targets().get(micro), batch.perMicro()), rng.split("selection"), 1.0 / batch.micros(),
                step.progress());
    }

    private static void check(double value, String what) {
        if (!Double.isFinite(value)) {
            throw new UserError(
                    "the " + what + " of the step is " + value + ", not a finite number, so there is nothing "
                            + "to explain: the model's weights are damaged, or its training diverged");
        }
    }

    @Override
    public void close() {
        tape.close();
    }
}
