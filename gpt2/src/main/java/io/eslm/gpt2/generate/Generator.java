// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.generate;

import io.eslm.autograd.Tape;
import io.eslm.autograd.Variable;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.KeyValueCache;
import io.eslm.gpt2.tokenizer.Gpt2Tokenizer;
import io.eslm.gpt2.tokenizer.Tokenizer;
import io.eslm.tensor.Checks;
import io.eslm.tensor.backend.Workspace;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.IntPredicate;

/**
 * Continues a prompt token by token. Computes the prompt in one pass, and each new token in one pass over that token alone,
 * with cached keys and values. When the context is full, the generator rebuilds the cache from its later half and continues,
 * so a text can be longer than the context. Calls are independent of each other. Not thread-safe.
 */
public final class Generator {
    private final Gpt2 model;
    private final int vocabulary;
    private final int endOfText;
    private final Workspace workspace;
    private final KeyValueCache cache;
    private final float[] logits;

    /**
     * For GPT-2's vocabulary, padded or not: padding is never drawn. For a smaller vocabulary, no token ends the text, and
     * token 0 (a line break in nanoGPT's character data) stands for an empty prompt.
     */
    public Generator(Gpt2 model) {
        this(model, Math.min(model.config().vocabSize(), Gpt2Tokenizer.VOCAB_SIZE),
                model.config().vocabSize() > Gpt2Tokenizer.END_OF_TEXT ? Gpt2Tokenizer.END_OF_TEXT : -1);
    }

    /** For the ids of a tokenizer; without one, for all ids of the model, none of which ends a text. */
    public Generator(Gpt2 model, Optional<Tokenizer> tokenizer) {
        this(model, tokenizer.map(Tokenizer::vocabSize).orElse(model.config().vocabSize()),
                tokenizer.map(Tokenizer::endOfText).orElse(OptionalInt.empty()).orElse(-1));
    }

    /**
     * For any vocabulary.
     *
     * @param vocabulary number of ids that can be drawn, from 0
     * @param endOfText the id that ends a text and stands for an empty prompt; −1 if there is none
     */
    public Generator(Gpt2 model, int vocabulary, int endOfText) {
        Checks.check(vocabulary > 0 && vocabulary <= model.config().vocabSize() && endOfText < vocabulary, "generator",
                "vocabulary %d, end of text %d and the model's %d ids do not fit", vocabulary, endOfText,
                model.config().vocabSize());
        this.model = model;
        this.vocabulary = vocabulary;
        this.endOfText = endOfText;
        this.workspace = new Workspace(model.backend());
        this.cache = new KeyValueCache(model, 1, model.config().blockSize());
        this.logits = new float[vocabulary];
    }

    /**
     * Continues {@code prompt}. Only the end of a prompt longer than the context is used.
     *
     * @param onToken receives each new token at once, except end-of-text; returns false to stop
     * @throws IndexOutOfBoundsException if a token of the prompt is not in the vocabulary
     * @throws io.eslm.tensor.UserError if the model's output is not finite
     */
    public Generation generate(int[] prompt, Sampling sampling, IntPredicate onToken) {
        Sampling.MAX_NEW_TOKENS.check(sampling.maxNewTokens());
        Checks.ids("prompt", prompt, prompt.length, model.config().vocabSize());
        List<String> notes = new ArrayList<>();
        int capacity = cache.capacity();
        int[] context = Arrays.copyOf(start(prompt, notes), capacity);
        int length = Math.clamp(prompt.length, 1, capacity);
        int[] made = new int[16];
        int count = 0;
        Sampler sampler = new Sampler(sampling, vocabulary);
        cache.clear();
        read(context, 0, length);
        while (true) {
            int token = sampler.draw(logits);
            if (token == endOfText) {
                return new Generation(Arrays.copyOf(made, count), Generation.End.END_OF_TEXT, notes);
            }
            made = count == made.length ? Arrays.copyOf(made, 2 * count) : made;
            made[count++] = token;
            boolean more = onToken.test(token);
            if (!more || count == sampling.maxNewTokens()) {
                return new Generation(Arrays.copyOf(made, count),
                        more ? Generation.End.LENGTH : Generation.End.STOPPED, notes);
            }
            if (length == capacity) {
                noteOnce(notes, "The text is longer than the model's context of " + capacity
                        + " tokens: when it is full, its later half stays, and the model no longer sees what came before.");
                length = laterHalf(context);
                cache.clear();
            }
            context[length++] = token;
            read(context, cache.length(), length);
        }
    }

    private static void noteOnce(List<String> notes, String note) {
        if (!notes.contains(note)) {
            notes.add(note);
        }
    }

    private int[] start(int[] prompt, List<String> notes) {
        int capacity = cache.capacity();
        if (prompt.length > capacity) {
            notes.add(
                    "The prompt has " + prompt.length + " tokens, but the model's context has " + capacity
                            + ": only the last " + capacity + " are used.");
            return Arrays.copyOfRange(prompt, prompt.length - capacity, prompt.length);
        }
        return prompt.length > 0 ? prompt : new int[] {Math.max(0, endOfText)};
    }

    /** Moves the later half of a full context to the beginning; returns its length. */
    private static int laterHalf(int[] context) {
        int kept = context.length / 2;
        System.arraycopy(context, context.length - kept, context, 0, kept);
        return kept;
    }

    /** Computes positions [from, to) of the context and leaves the logits after the last one in {@link #logits}. */
    private void read(int[] context, int from, int to) {
        try (Tape tape = Tape.evaluation(workspace)) {
            Variable hidden = cache.forward(tape, tape.put(Arrays.copyOfRange(context, from, to), 1, to - from));
            Variable last = tape.constant(hidden.value().rows(to - from - 1, 1));
            model.backend().read(model.logits(last).value().storage(), logits, 0, vocabulary);
        }
    }
}
