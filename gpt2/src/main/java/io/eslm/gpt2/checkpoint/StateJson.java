// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.checkpoint;

import com.google.gson.JsonObject;
import io.eslm.gpt2.option.OptionValues;
import io.eslm.gpt2.train.TrainOptions;
import io.eslm.gpt2.train.TrainerState;
import io.eslm.tensor.io.Json;
import java.nio.file.Path;

/** Converts a {@link TrainerState} to and from trainer.json. All numbers read back to the same bits. */
final class StateJson {
    /** More than any run draws; positions of tokens stay exact. */
    private static final long MOST_BATCHES = 1L << 40;

    private StateJson() {
    }

    static JsonObject of(TrainerState state) {
        JsonObject o = new JsonObject();
        o.addProperty("step", state.step());
        o.addProperty("tokens", state.tokens());
        o.addProperty("batch_position", state.batchPosition());
        o.addProperty("method", state.method());
        o.add("method_state", state.methodState());
        o.add("options", state.options().values().toJson());
        return o;
    }

    /** @throws io.eslm.tensor.UserError if the file is missing, truncated or damaged */
    static TrainerState read(Path file) {
        return of(Json.read(file));
    }

    static TrainerState of(Json json) {
        return new TrainerState(json.count("step", Integer.MAX_VALUE), json.count("tokens"),
                json.count("batch_position", MOST_BATCHES),
                new TrainOptions(OptionValues.fromJson(TrainOptions.GROUP, json.child("options"))),
                json.required("method", String.class), json.child("method_state").object());
    }
}
