// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.train;

import com.google.gson.JsonObject;
import io.eslm.tensor.io.Json;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/** A {@link TrainerState} on its way to the other ranks, which have the same options and method. */
final class RestoreMessage {
    private RestoreMessage() {
    }

    static byte[] of(TrainerState state) {
        byte[] method = Json.line(state.methodState()).getBytes(StandardCharsets.UTF_8);
        return ByteBuffer.allocate(3 * Long.BYTES + method.length).putLong(state.step()).putLong(state.tokens())
                .putLong(state.batchPosition()).put(method).array();
    }

    static TrainerState read(ByteBuffer in, Trainer trainer) {
        long step = in.getLong();
        long tokens = in.getLong();
        long position = in.getLong();
        JsonObject method = Json.parse(StandardCharsets.UTF_8.decode(in).toString());
        return new TrainerState(step, tokens, position, trainer.options(), trainer.state().method(), method);
    }
}
