// SPDX-License-Identifier: Apache-2.0
package io.eslm.serve;

import com.google.gson.JsonArray;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import io.eslm.gpt2.generate.TokenLogprobs;
import io.eslm.gpt2.tokenizer.Tokenizer;
import io.eslm.tensor.io.Json;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * The tokens of a choice with their log-probabilities, until they are sent: those of a text that is held back, because it may be
 * the beginning of a stop string or of a character, wait with it.
 */
final class TokenList {
    private final Tokenizer tokenizer;
    private final Deque<Entry> waiting = new ArrayDeque<>();

    /** @param logprobs null for a token that nothing predicts: the first of a prompt */
    private record Entry(int id, TokenLogprobs logprobs, int offset) {
    }

    TokenList(Tokenizer tokenizer) {
        this.tokenizer = tokenizer;
    }

    /** @param offset of its first character in the text of the choice */
    void add(int id, TokenLogprobs logprobs, int offset) {
        waiting.add(new Entry(id, logprobs, offset));
    }

    /** Takes the tokens that begin before character {@code end}, in the shape of the completions interface. */
    JsonObject take(int end) {
        JsonArray tokens = new JsonArray();
        JsonArray logprobs = new JsonArray();
        JsonArray tops = new JsonArray();
        JsonArray offsets = new JsonArray();
        while (!waiting.isEmpty() && waiting.getFirst().offset() < end) {
            Entry e = waiting.removeFirst();
            TokenLogprobs l = e.logprobs();
            tokens.add(TokenText.of(tokenizer, e.id()));
            logprobs.add(l == null ? JsonNull.INSTANCE : Json.number(l.logprob()));
            tops.add(l == null ? JsonNull.INSTANCE : top(l));
            offsets.add(e.offset());
        }
        JsonObject o = new JsonObject();
        o.add("tokens", tokens);
        o.add("token_logprobs", logprobs);
        o.add("top_logprobs", tops);
        o.add("text_offset", offsets);
        return o;
    }

    /** The most likely tokens, and the token itself. Of two with the same text, the likelier one stays. */
    private JsonObject top(TokenLogprobs l) {
        JsonObject top = new JsonObject();
        for (int i = 0; i < l.topIds().length; i++) {
            String text = TokenText.of(tokenizer, l.topIds()[i]);
            if (!top.has(text)) {
                top.add(text, Json.number(l.topLogprobs()[i]));
            }
        }
        String own = TokenText.of(tokenizer, l.id());
        if (!top.has(own)) {
            top.add(own, Json.number(l.logprob()));
        }
        return top;
    }
}
