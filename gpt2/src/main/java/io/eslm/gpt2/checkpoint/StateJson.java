// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.checkpoint;

import com.google.gson.JsonObject;
import io.eslm.gpt2.option.OptionValues;
import io.eslm.gpt2.train.TrainOptions;
import io.eslm.gpt2.train.TrainerState;
import io.eslm.tensor.UserError;
import io.eslm.tensor.io.Json;
import java.nio.file.Path;

/** Converts a {@link TrainerState} to and from trainer.json. All numbers read back to the same bits. */
final class StateJson {
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

    /** @throws UserError if the file is missing, truncated or damaged */
    static TrainerState read(Path file) {
        Json json = Json.read(file);
        return new TrainerState(json.required("step", Long.class), json.required("tokens", Long.class),
                json.required("batch_position", Long.class), options(json.child("options")),
                json.required("method", String.class), json.child("method_state").object());
    }

    private static TrainOptions options(Json json) {
        try {
            return new TrainOptions(OptionValues.fromJson(TrainOptions.GROUP, json.object()));
        } catch (UserError e) {
            throw new UserError(json.file() + ": " + e.getMessage(), e);
        }
    }
}
