// SPDX-License-Identifier: Apache-2.0
package io.eslm.serve;

import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import io.eslm.gpt2.generate.StopText;
import io.eslm.gpt2.generate.TokenLogprobs;
import io.eslm.gpt2.generate.TokenStream;
import io.eslm.gpt2.tokenizer.Tokenizer;
import io.eslm.serve.CompletionRequest.Prompt;
import java.util.List;

/** One text of a request, as it comes to be. Not thread-safe. */
final class Choice {
    /** Why a text ended, in the words of the interface. */
    enum Finish {
        STOP, LENGTH;

        JsonElement json() {
            return new JsonPrimitive(this == STOP ? "stop" : "length");
        }
    }

    private final int index;
    private final Prompt prompt;
    private final boolean echo;
    private final Tokenizer tokenizer;
    /** Null unless they were asked for. */
    private final TokenList logprobs;
    private final StringBuilder text = new StringBuilder();
    private final StopText stops;
    private final TokenStream stream;
    private int sentChars;
    /** Characters (code points) of the text, and of what is decoded but perhaps held back. */
    private int length;
    private int decoded;
    private int made;
    private boolean stopped;
    private Finish finish;
    private boolean finishSent;

    Choice(int index, Prompt prompt, CompletionRequest request, Tokenizer tokenizer) {
        this.index = index;
        this.prompt = prompt;
        this.echo = request.echo();
        this.tokenizer = tokenizer;
        logprobs = request.logprobs() < 0 ? null : new TokenList(tokenizer);
        stops = new StopText(request.stops(), this::append);
        stream = new TokenStream(tokenizer, part -> {
            decoded += part.codePointCount(0, part.length());
            stopped = !stops.add(part);
            return !stopped;
        });
        if (echo) {
            append(prompt.text());
            decoded = length;
        }
    }

    private void append(String part) {
        text.append(part);
        length += part.codePointCount(0, part.length());
    }

    /** @param positions the log-probabilities of the prompt's tokens from the second on */
    void prompt(List<TokenLogprobs> positions) {
        int[] offset = {0};
        TokenStream places = new TokenStream(tokenizer, part -> {
            offset[0] += part.codePointCount(0, part.length());
            return true;
        });
        for (int i = 0; i < prompt.ids().length; i++) {
            logprobs.add(prompt.ids()[i], i == 0 ? null : positions.get(i - 1), offset[0]);
            boolean _ = places.test(prompt.ids()[i]);
        }
    }

    /** Adds a token; returns false once the text has ended. */
    boolean token(int id, TokenLogprobs l) {
        made++;
        if (logprobs != null) {
            logprobs.add(id, l, decoded);
        }
        if (!stream.test(id)) {
            finish = Finish.STOP;
        }
        return !stopped;
    }

    /** The model ended the text. That token has a log-probability, and no text. */
    void endOfText(TokenLogprobs l) {
        if (logprobs != null) {
            logprobs.add(l.id(), l, decoded);
        }
    }

    /** No more tokens come. */
    void end(boolean endOfText) {
        if (finish != null) {
            return;
        }
        stream.end();
        if (!stopped) {
            stops.end();
        }
        made += endOfText ? 1 : 0;
        finish = endOfText || stopped ? Finish.STOP : Finish.LENGTH;
    }

    boolean ended() {
        return finish != null;
    }

    /** Why it ended. */
    Finish finish() {
        return finish;
    }

    /** Tokens that were drawn, with end-of-text. */
    int made() {
        return made;
    }

    /** What is new since the last call, as an element of "choices"; null if nothing is. */
    JsonObject take() {
        boolean last = ended() && !finishSent;
        if (text.length() == sentChars && !last) {
            return null;
        }
        JsonObject o = new JsonObject();
        o.addProperty("index", index);
        o.addProperty("text", text.substring(sentChars));
        sentChars = text.length();
        o.add("logprobs", logprobs == null ? JsonNull.INSTANCE
                : logprobs.take(last && !stopped ? Integer.MAX_VALUE : length));
        o.add("finish_reason", last ? finish.json() : JsonNull.INSTANCE);
        finishSent |= last;
        return o;
    }
}
