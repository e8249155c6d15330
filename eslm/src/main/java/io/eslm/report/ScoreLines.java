// SPDX-License-Identifier: Apache-2.0
package io.eslm.report;

import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import io.eslm.gpt2.tokenizer.TokenTexts;
import io.eslm.select.token.TokenScores;
import io.eslm.tensor.io.Json;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** Writes scored tokens as JSON lines: {@code {"pos","id","text","loss","entropy","selected"}}, losses and entropies in nats. */
public final class ScoreLines {
    private ScoreLines() {
    }

    /**
     * Returns one object per scored token.
     *
     * @param texts of the ids; where one is not known, "text" is null
     */
    public static Stream<JsonObject> of(TokenScores scores, boolean[] selected, TokenTexts texts) {
        return IntStream.range(0, scores.size()).mapToObj(i -> {
            int id = scores.ids()[i];
            JsonObject o = new JsonObject();
            o.addProperty("pos", i + 1);
            o.addProperty("id", id);
            o.add("text", texts.of(id).<JsonElement>map(JsonPrimitive::new).orElse(JsonNull.INSTANCE));
            o.add("loss", Json.number(scores.loss()[i]));
            o.add("entropy", Json.number(scores.entropy()[i]));
            o.addProperty("selected", selected[i]);
            return o;
        });
    }
}
