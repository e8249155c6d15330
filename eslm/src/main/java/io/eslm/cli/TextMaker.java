// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import com.google.gson.JsonObject;
import io.eslm.gpt2.generate.Generation;
import io.eslm.gpt2.generate.Generator;
import io.eslm.gpt2.generate.Sampling;
import io.eslm.gpt2.generate.StopText;
import io.eslm.gpt2.generate.TokenStream;
import io.eslm.gpt2.tokenizer.Tokenizer;
import io.eslm.tensor.UserError;
import io.eslm.tensor.io.Json;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.Consumer;

/** Makes texts with one model, and tells how it went. A note that holds for several texts is given once. */
final class TextMaker {
    private final Generator generator;
    private final Tokenizer tokenizer;
    private final List<String> stops;
    private final Set<String> said = new HashSet<>();

    /** @param stops a text ends before the first of them */
    TextMaker(Generator generator, Tokenizer tokenizer, List<String> stops) {
        this.generator = generator;
        this.tokenizer = tokenizer;
        this.stops = stops;
    }

    /**
     * A text.
     *
     * @param text without the prompt and without a stop string
     * @param seconds that it took
     */
    record Made(String text, Generation generation, double seconds) {
        /** One line for a program to read. */
        JsonObject json(String prompt) {
            JsonObject o = new JsonObject();
            o.addProperty("prompt", prompt);
            o.addProperty("text", text);
            o.addProperty("tokens", generation.tokens().length);
            o.add("tokens_per_second", Json.number(tokensPerSecond()));
            o.addProperty("end", switch (generation.end()) {
                case END_OF_TEXT -> "end of text";
                case LENGTH -> "length";
                case STOPPED -> "stop string";
            });
            return o;
        }

        /** "12 tokens in 0.1 s, 120.0 tokens/s". */
        String summary() {
            return String.format(Locale.ROOT, "%d tokens in %s, %.1f tokens/s", generation.tokens().length,
                    LogLines.duration(seconds), tokensPerSecond());
        }

        private double tokensPerSecond() {
            return generation.tokens().length / seconds;
        }
    }

    /** Continues {@code begin}; {@code out} receives the text as it is made. */
    Made make(int[] begin, Sampling sampling, Terminal screen, Consumer<String> out) {
        StringBuilder all = new StringBuilder();
        StopText text = new StopText(stops, part -> {
            all.append(part);
            out.accept(part);
        });
        TokenStream stream = new TokenStream(tokenizer, text::add);
        long start = System.nanoTime();
        Generation generation = generator.generate(begin, sampling, stream);
        double seconds = (System.nanoTime() - start) * 1e-9;
        if (generation.end() != Generation.End.STOPPED) {
            stream.end();
            text.end();
        }
        generation.notes().stream().filter(said::add).forEach(note -> screen.note("note: " + note));
        return new Made(all.toString(), generation, seconds);
    }

    /** Checks stop strings. */
    static List<String> stops(List<String> given) {
        if (given.contains("")) {
            throw new UserError("--stop: is empty, and an empty text would stop every text at its beginning");
        }
        return given;
    }
}
