// SPDX-License-Identifier: Apache-2.0
package io.eslm.serve;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonSyntaxException;
import io.eslm.serve.CompletionRequest.Prompt;
import io.eslm.tensor.UserError;
import io.eslm.tensor.io.Json;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;

/** Reads the body of a request for completions. Whatever is wrong with it is an {@link ApiError} with a status of 4xx. */
final class CompletionReader {
    /** Most likely tokens that a request may ask for. */
    static final int MOST_LOGPROBS = 20;
    /** Log-probabilities of one answer: some 140 bytes each. */
    static final int MOST_NUMBERS = 1 << 20;
    private static final int MOST_CHOICES_EACH = 128;
    private static final int MOST_STOPS = 16;
    private static final int LONGEST_STOP = 256;
    private static final int USUAL_TOKENS = 16;
    private static final double HOTTEST = 2;
    private static final Set<String> KNOWN = Set.of("model", "prompt", "suffix", "max_tokens", "temperature", "top_p",
            "top_k", "n", "stream", "stream_options", "logprobs", "echo", "stop", "presence_penalty",
            "frequency_penalty", "best_of", "logit_bias", "user", "seed");

    private final ServedModel model;
    private final ServeOptions limits;

    CompletionReader(ServedModel model, ServeOptions limits) {
        this.model = model;
        this.limits = limits;
    }

    /** @throws ApiError if it is no request that this server can serve */
    CompletionRequest read(byte[] body) {
        Fields fields = new Fields("", object(body));
        fields.text("model").filter(name -> !name.equals(model.name())).ifPresent(name -> {
            throw ApiError.noModel(Json.shown(name), model.name());
        });
        fields.allow(KNOWN);
        refuse(fields);
        int maxTokens = fields.whole("max_tokens", 0, Integer.MAX_VALUE)
                .orElse((long) Math.min(USUAL_TOKENS, limits.maxTokens())).intValue();
        if (maxTokens > limits.maxTokens()) {
            throw ApiError.wrong("max_tokens",
                    "'max_tokens' is " + maxTokens + "; this server makes at most " + limits.maxTokens());
        }
        int n = fields.whole("n", 1, MOST_CHOICES_EACH).orElse(1L).intValue();
        long best = fields.whole("best_of", 1, MOST_CHOICES_EACH).orElse((long) n);
        if (best != n) {
            throw best < n ? ApiError.wrong("best_of", "'best_of' is " + best + ", expected at least n, which is " + n)
                    : ApiError.unsupported("best_of", "'best_of' above n: this server does not choose among texts. "
                            + "Omit it, or take n choices and choose");
        }
        boolean stream = fields.flag("stream");
        boolean echo = fields.flag("echo");
        int logprobs = fields.whole("logprobs", 0, MOST_LOGPROBS).orElse(-1L).intValue();
        List<Prompt> prompts = prompts(fields, maxTokens, n);
        checkLogprobs(prompts, maxTokens, n, echo, logprobs);
        return new CompletionRequest(prompts, maxTokens,
                fields.number("temperature", 0, HOTTEST, 1), topK(fields), topP(fields), n, echo, logprobs,
                stops(fields), stream,
                includeUsage(fields, stream),
                fields.whole("seed", Long.MIN_VALUE, Long.MAX_VALUE)
                        .orElseGet(() -> ThreadLocalRandom.current().nextLong()));
    }

    /** The answer holds them all until it is sent. */
    private static void checkLogprobs(List<Prompt> prompts, int maxTokens, int n, boolean echo, int logprobs) {
        long tokens = prompts.stream().mapToLong(prompt -> maxTokens + (echo ? prompt.ids().length : 0L)).sum() * n;
        if (tokens * (logprobs + 1) > MOST_NUMBERS) {
            throw ApiError.wrong("logprobs", "'logprobs' is " + logprobs + ", for up to " + tokens + " tokens: that is "
                    + tokens * (logprobs + 1) + " log-probabilities; this server sends at most " + MOST_NUMBERS
                    + " for a request. Ask for fewer of them, or for fewer or shorter texts");
        }
    }

    private static JsonObject object(byte[] body) {
        try {
            return Json.parse(StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(body)).toString());
        } catch (CharacterCodingException _) {
            throw ApiError.invalid(400, "invalid_json", "the body is not text in UTF-8");
        } catch (JsonSyntaxException e) {
            throw ApiError.invalid(400, "invalid_json",
                    body.length == 0 ? "the body is empty, expected a JSON object"
                            : "the body is not a valid JSON object: " + e.getMessage());
        }
    }

    /** What other servers do and this one does not: no effect must be asked for. */
    private static void refuse(Fields fields) {
        if (!fields.text("suffix").orElse("").isEmpty()) {
            throw ApiError.unsupported("suffix", "'suffix': the model only continues texts. Omit it");
        }
        for (String penalty : List.of("presence_penalty", "frequency_penalty")) {
            if (fields.number(penalty, -2, 2, 0) != 0) {
                throw ApiError.unsupported(penalty,
                        "'" + penalty + "': this server has no penalties. Omit it, or send 0");
            }
        }
        if (fields.child("logit_bias").filter(bias -> !bias.object().isEmpty()).isPresent()) {
            throw ApiError.unsupported("logit_bias", "'logit_bias': this server does not change logits. Omit it");
        }
        fields.text("user"); // only its type matters
    }

    private static int topK(Fields fields) {
        return Math.max(0, fields.whole("top_k", -1, Integer.MAX_VALUE).orElse(0L).intValue());
    }

    private static double topP(Fields fields) {
        double p = fields.number("top_p", 0, 1, 1);
        return p == 0 ? Double.MIN_NORMAL : p; // 0: the most likely token alone, as OpenAI has it
    }

    private static boolean includeUsage(Fields fields, boolean stream) {
        return fields.child("stream_options").map(options -> {
            if (!stream) {
                throw ApiError.wrong("stream_options", "'stream_options' is for requests with stream: true. Omit it");
            }
            options.allow(Set.of("include_usage"));
            return options.flag("include_usage");
        }).orElse(false);
    }

    private static List<String> stops(Fields fields) {
        List<String> stops = fields.texts("stop", MOST_STOPS);
        for (String stop : stops) {
            if (stop.isEmpty() || stop.length() > LONGEST_STOP) {
                throw ApiError.wrong("stop", "'stop' has a string of " + stop.length()
                        + " characters, expected 1 to " + LONGEST_STOP);
            }
        }
        return stops;
    }

    private List<Prompt> prompts(Fields fields, int maxTokens, int n) {
        JsonElement given = fields.any("prompt").orElse(null);
        List<JsonElement> all = given instanceof JsonArray list && !isIds(list) ? list.asList()
                : given == null ? List.of() : List.of(given);
        if (given != null && all.isEmpty()) {
            throw ApiError.wrong("prompt", "'prompt' is an empty list, expected at least one text");
        }
        long choices = (long) Math.max(1, all.size()) * n;
        int most = Math.min(limits.maxChoices(), limits.maxWaiting()); // or they could never wait together
        if (choices > most) {
            throw ApiError.wrong("prompt", all.size() + " prompts times n = " + n + " are " + choices
                    + " texts; this server makes at most " + most + " for a request");
        }
        List<Prompt> prompts = new ArrayList<>();
        for (int i = 0; i < all.size(); i++) {
            prompts.add(prompt(fields, all.get(i), given == all.get(i) ? "prompt" : "prompt[" + i + "]", maxTokens));
        }
        return given == null ? List.of(checkLength(new Prompt("", new int[0]), maxTokens)) : prompts;
    }

    /** A list of numbers is one prompt; an empty list is none. */
    private static boolean isIds(JsonArray list) {
        return !list.isEmpty() && !(list.get(0) instanceof JsonArray) && !Fields.isText(list.get(0));
    }

    private Prompt prompt(Fields fields, JsonElement e, String name, int maxTokens) {
        if (Fields.isText(e)) {
            String text = e.getAsString();
            try {
                return checkLength(new Prompt(text, model.tokenizer().encodeWithSpecials(text)), maxTokens);
            } catch (UserError unknown) {
                throw ApiError.wrong("prompt", "'" + name + "': " + unknown.getMessage());
            }
        }
        if (!(e instanceof JsonArray list)) {
            throw fields.wrong(name, e, "a string, a list of strings, a list of token ids, or a list of such lists");
        }
        int[] ids = new int[list.size()];
        for (int i = 0; i < ids.length; i++) {
            Long id = Fields.whole(list.get(i));
            if (id == null || id < 0 || id > Integer.MAX_VALUE || !model.tokenizer().has(id.intValue())) {
                throw fields.wrong(name + "[" + i + "]", list.get(i),
                        "the id of a token, below " + model.tokenizer().vocabSize());
            }
            ids[i] = id.intValue();
        }
        return checkLength(new Prompt(model.tokenizer().decode(ids), ids), maxTokens);
    }

    private Prompt checkLength(Prompt prompt, int maxTokens) {
        int length = Math.max(1, prompt.ids().length); // an empty one is the token that begins a text
        if ((long) length + maxTokens > model.context()) {
            throw ApiError.tooLong(
                    "the model's context has " + model.context() + " tokens, but " + ((long) length + maxTokens)
                            + " are asked for: " + length + " in the prompt and 'max_tokens' = " + maxTokens
                            + ". Shorten the prompt or the completion");
        }
        return prompt;
    }
}
