// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.train;

import com.google.gson.JsonObject;
import io.eslm.tensor.UserError;

/**
 * What a resumed run needs besides weights and optimizer moments.
 *
 * @param step optimizer steps done
 * @param tokens tokens that had a full forward pass
 * @param batchPosition next batch of the sampler
 * @param options of the run that wrote it
 * @param method name of its {@link Objective}
 * @param lossState what {@link Objective#state} gave
 */
public record TrainerState(long step, long tokens, long batchPosition, TrainOptions options, String method,
        JsonObject lossState) {
    /** @throws UserError if a run with these options could not continue this one identically */
    public void checkResumable(TrainOptions now, String methodNow) {
        same("--seed", options.seed(), now.seed());
        same("--batch-size", options.batchSize(), now.batchSize());
        same("--grad-accum", options.gradAccum(), now.gradAccum());
        same("--method", method, methodNow);
        if (now.maxIters() < step) {
            throw new UserError("--max-iters " + now.maxIters() + ": the checkpoint is already at step " + step);
        }
    }

    private static void same(String option, Object saved, Object given) {
        if (!saved.equals(given)) {
            throw new UserError(option + " " + given + ": the checkpoint was written with " + saved
                    + ", and a resumed run must go on as it began; leave the option out, or start anew with another --out-dir");
        }
    }
}
