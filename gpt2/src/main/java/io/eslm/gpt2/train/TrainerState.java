// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.train;

import com.google.gson.JsonObject;
import io.eslm.gpt2.option.Option;
import io.eslm.gpt2.option.OptionError;
import io.eslm.tensor.UserError;
import java.util.List;

/**
 * The state of a run besides weights and optimizer moments.
 *
 * @param step optimizer steps done
 * @param tokens tokens with a full forward pass
 * @param batchPosition next batch of the sampler
 * @param options of the run
 * @param method {@link Objective#name}
 * @param methodState {@link Objective#state}
 */
public record TrainerState(long step, long tokens, long batchPosition, TrainOptions options, String method,
        JsonObject methodState) {
    /** @throws UserError if a run with these options and method cannot continue this one with the same bits */
    public void checkResumable(TrainOptions now, String methodNow) {
        for (Option<?> option : List.of(TrainOptions.SEED, TrainOptions.BATCH_SIZE, TrainOptions.GRAD_ACCUM,
                TrainOptions.OPTIMIZER,
                TrainOptions.SEPARATE_DOCUMENTS, TrainOptions.LORA_RANK, TrainOptions.LORA_ALPHA,
                TrainOptions.LORA_DROPOUT, TrainOptions.LORA_TARGETS, TrainOptions.ORDERED_SUM)) {
            if (!options.get(option).equals(now.get(option))) {
                throw OptionError.changed(option, now.get(option), options.get(option));
            }
        }
        if (!method.equals(methodNow)) {
            throw new UserError("method " + methodNow + ": " + OptionError.startedWith(method));
        }
        if (now.get(TrainOptions.MAX_ITERS) < step) {
            throw new OptionError(TrainOptions.MAX_ITERS, now.get(TrainOptions.MAX_ITERS),
                    "the checkpoint is already at step " + step);
        }
    }
}
