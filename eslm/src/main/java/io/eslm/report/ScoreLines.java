// SPDX-License-Identifier: Apache-2.0
package io.eslm.report;

import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import io.eslm.gpt2.tokenizer.Gpt2Tokenizer;
import io.eslm.select.token.TokenScores;
import io.eslm.tensor.io.Json;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** Writes scored tokens as JSON lines: {@code {"pos","id","text","loss","entropy","selected"}}, losses and entropies in nats. */
public final class ScoreLines {
    /** GPT-2's vocabulary, padded to a multiple of 128 as some programs do. */
    private static final int PADDED_VOCABULARY = 50304;

    private ScoreLines() {
    }

    /** True if the ids of a model with this vocabulary are GPT-2's tokens. */
    public static boolean isGpt2(int vocabSize) {
        return vocabSize == Gpt2Tokenizer.VOCAB_SIZE || vocabSize == PADDED_VOCABULARY;
    }

    /**
     * Returns one object per scored token.
     *
     * @param vocabSize of the model; unless it is GPT-2's, "text" is null
     */
    public static Stream<JsonObject> of(TokenScores scores, boolean[] selected, int vocabSize) {
        Gpt2Tokenizer tokenizer = isGpt2(vocabSize) ? new Gpt2Tokenizer() : null;
        return IntStream.range(0, scores.size()).mapToObj(i -> {
            int id = scores.ids()[i];
            JsonObject o = new JsonObject();
            o.addProperty("pos", i + 1);
            o.addProperty("id", id);
            o.add("text", tokenizer == null || id >= Gpt2Tokenizer.VOCAB_SIZE ? JsonNull.INSTANCE
                    : new JsonPrimitive(tokenizer.text(id)));
            o.add("loss", Json.number(scores.loss()[i]));
            o.add("entropy", Json.number(scores.entropy()[i]));
            o.addProperty("selected", selected[i]);
            return o;
        });
    }
}
