// SPDX-License-Identifier: Apache-2.0
package io.eslm.run;

import com.google.gson.JsonObject;
import io.eslm.autograd.Parameter;
import io.eslm.gpt2.PretrainedNames;
import java.util.function.BiConsumer;
import io.eslm.gpt2.train.TrainEvent;
import io.eslm.gpt2.train.TrainOptions;
import io.eslm.gpt2.train.Trainer;
import io.eslm.report.Histogram;
import io.eslm.report.TensorBoard;
import java.nio.file.Path;

/**
 * Writes the event files of a run while it trains. At the evaluation interval they get histograms: the gradients of that step,
 * before clipping, and the parameters after it, under the names of a checkpoint. That is one pass over both.
 */
final class RunEvents implements AutoCloseable {
    private final Trainer trainer;
    private final TensorBoard board;
    private final Runnable look = this::gradients;

    RunEvents(Path folder, JsonObject config, Trainer trainer) {
        this.trainer = trainer;
        board = TensorBoard.open(folder, config, trainer.step());
        watchIfDue();
        if (trainer.step() == 0) {
            afterStep();
        }
    }

    void log(TrainEvent event) {
        board.log(event);
    }

    /** In the next step alone, if it is one to look at: where ranks share the steps, gradients to look at cost an exchange. */
    private void watchIfDue() {
        trainer.unwatchGradients(look);
        if (due(trainer.step() + 1)) {
            trainer.watchGradients(look);
        }
    }

    /** Called before the step is counted. */
    private void gradients() {
        long step = trainer.step() + 1;
        trained((path, p) -> board
                .histogram(TensorBoard.GRADIENTS + PretrainedNames.of(path), step, Histogram.of(p.gradient())));
    }

    void afterStep() {
        watchIfDue();
        long step = trainer.step();
        if (due(step)) {
            trained((path, p) -> board
                    .histogram(TensorBoard.PARAMETERS + PretrainedNames.of(path), step, Histogram.of(p.value())));
        }
    }

    private void trained(BiConsumer<String, Parameter> each) {
        trainer.model().parameters().forEach((path, p) -> {
            if (p.needsGradient()) {
                each.accept(path, p);
            }
        });
    }

    private boolean due(long step) {
        int interval = trainer.options().get(TrainOptions.EVAL_INTERVAL);
        return interval > 0 && (step % interval == 0 || step == trainer.options().get(TrainOptions.MAX_ITERS));
    }

    @Override
    public void close() {
        trainer.unwatchGradients(look);
        board.close();
    }
}
