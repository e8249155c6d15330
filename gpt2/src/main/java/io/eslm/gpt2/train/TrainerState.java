// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.train;

import com.google.gson.JsonObject;
import io.eslm.gpt2.option.Option;
import io.eslm.gpt2.option.OptionError;
import io.eslm.tensor.UserError;
import java.util.List;

/**
 * What a resumed run needs besides weights and optimizer moments.
 *
 * @param step optimizer steps done
 * @param tokens tokens that had a full forward pass
 * @param batchPosition next batch of the sampler
 * @param options of the run that wrote it
 * @param method name of its {@link Objective}
 * @param methodState what {@link Objective#state} gave
 */
public record TrainerState(long step, long tokens, long batchPosition, TrainOptions options, String method,
        JsonObject methodState) {
    /** @throws UserError if a run with these options could not continue this one identically */
    public void checkResumable(TrainOptions now, String methodNow) {
        for (Option<?> option : List.of(TrainOptions.SEED, TrainOptions.BATCH_SIZE, TrainOptions.GRAD_ACCUM)) {
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
