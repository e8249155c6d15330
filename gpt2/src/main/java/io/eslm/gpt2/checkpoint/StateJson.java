// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.checkpoint;

import com.google.gson.JsonObject;
import io.eslm.gpt2.train.TrainOptions;
import io.eslm.gpt2.train.TrainerState;
import io.eslm.tensor.UserError;
import java.nio.file.Path;

/** {@link TrainerState} as trainer.json. Doubles are written in the shortest form that reads back to the same bits. */
final class StateJson {
    private StateJson() {
    }

    static JsonObject of(TrainerState state) {
        JsonObject o = new JsonObject();
        o.addProperty("step", state.step());
        o.addProperty("tokens", state.tokens());
        o.addProperty("batch_position", state.batchPosition());
        o.addProperty("method", state.method());
        o.add("method_state", state.lossState());
        o.add("options", of(state.options()));
        return o;
    }

    private static JsonObject of(TrainOptions options) {
        JsonObject o = new JsonObject();
        o.addProperty("max_iters", options.maxIters());
        o.addProperty("batch_size", options.batchSize());
        o.addProperty("grad_accum", options.gradAccum());
        o.addProperty("learning_rate", options.learningRate());
        o.addProperty("min_lr", options.minLr());
        o.addProperty("warmup_iters", options.warmupIters());
        o.addProperty("weight_decay", options.weightDecay());
        o.addProperty("beta1", options.beta1());
        o.addProperty("beta2", options.beta2());
        o.addProperty("grad_clip", options.gradClip());
        o.addProperty("eval_interval", options.evalInterval());
        o.addProperty("eval_iters", options.evalIters());
        o.addProperty("sample_interval", options.sampleInterval());
        o.addProperty("checkpoint_interval", options.checkpointInterval());
        o.addProperty("seed", options.seed());
        return o;
    }

    /** @throws UserError if the file is missing, cut off or damaged */
    static TrainerState read(Path file) {
        Json json = Json.read(file);
        return new TrainerState(json.required("step", Long.class), json.required("tokens", Long.class),
                json.required("batch_position", Long.class), options(json.child("options")),
                json.required("method", String.class), json.child("method_state").object());
    }

    private static TrainOptions options(Json o) {
        return new TrainOptions(o.required("max_iters", Integer.class), o.required("batch_size", Integer.class),
                o.required("grad_accum", Integer.class), o.required("learning_rate", Double.class),
                o.required("min_lr", Double.class), o.required("warmup_iters", Integer.class),
                o.required("weight_decay", Double.class), o.required("beta1", Double.class),
                o.required("beta2", Double.class), o.required("grad_clip", Double.class),
                o.required("eval_interval", Integer.class), o.required("eval_iters", Integer.class),
                o.required("sample_interval", Integer.class), o.required("checkpoint_interval", Integer.class),
                o.required("seed", Long.class));
    }
}
