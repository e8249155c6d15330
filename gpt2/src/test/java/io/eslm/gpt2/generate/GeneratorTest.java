// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.generate;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.autograd.Tape;
import io.eslm.gpt2.Golden;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.KeyValueCache;
import io.eslm.gpt2.checkpoint.ModelFolder;
import io.eslm.gpt2.train.Tiny;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import io.eslm.tensor.backend.Workspace;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class GeneratorTest {
    private static final int[] PROMPT = {3, 14, 15};
    private final Backend backend = Backends.open("vector", 2);
    /** Weights as large as after training, so that the most likely token is clear; context 24, vocabulary 61. */
    private final Gpt2 model = ModelFolder.load(Golden.folder("odd"), backend);
    private final int capacity = model.config().blockSize();

    @AfterEach
    void close() {
        backend.close();
    }

    private int[] generate(int[] prompt, Sampling sampling) {
        return new Generator(model, 61, -1).generate(prompt, sampling, t -> true).tokens();
    }

    /** The logits after {@code context} by a forward pass over all of it. */
    private float[] logits(int... context) {
        try (Tape tape = Tape.evaluation(new Workspace(backend))) {
            Tensor logits = model.logits(model.forward(tape, tape.put(context, 1, context.length))).value();
            return logits.rows(context.length - 1, 1).toFloats();
        }
    }

    /** The same text by full passes; a full context is cut to its later half, then the new token follows. */
    private int[] reference(int[] prompt, Sampling sampling) {
        Sampler sampler = new Sampler(sampling, 61);
        int[] context = Arrays.copyOfRange(prompt, Math.max(0, prompt.length - capacity), prompt.length);
        int[] tokens = new int[sampling.maxNewTokens()];
        for (int i = 0; i < tokens.length; i++) {
            tokens[i] = sampler.draw(logits(context));
            if (context.length == capacity) {
                context = Arrays.copyOfRange(context, capacity - capacity / 2, capacity);
            }
            context = Arrays.copyOf(context, context.length + 1);
            context[context.length - 1] = tokens[i];
        }
        return tokens;
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3, 23, 24, 25, 60})
    void theTextIsThatOfFullPasses(int promptLength) {
        int[] prompt = new int[promptLength];
        Arrays.setAll(prompt, i -> (7 * i * i + 3) % 61);
        assertArrayEquals(reference(prompt, Sampling.greedy(80)), generate(prompt, Sampling.greedy(80)));
        Sampling free = new Sampling(1, 0, 1, 80, 3);
        int[] tokens = generate(prompt, free);
        assertArrayEquals(reference(prompt, free), tokens);
        assertTrue(Arrays.stream(tokens).distinct().count() > 10, "a text that repeats one token proves nothing");
    }

    /** In several pieces, or in one pass without a cache: equal but for rounding, 2⁻²⁴ in each of some hundred steps. */
    @ParameterizedTest
    @CsvSource({"1, 6", "3, 4", "6, 1", "4, 3"})
    void theCacheGivesTheSameHiddenStates(int first, int second) {
        int[] ids = {5, 1, 40, 2, 60, 9, 33};
        double[] whole;
        double[] pieces = new double[ids.length * 21];
        try (Tape tape = Tape.evaluation(new Workspace(backend))) {
            whole = model.forward(tape, tape.put(ids, 1, ids.length)).value().toDoubles();
            KeyValueCache cache = new KeyValueCache(model, 1, 16);
            int at = 0;
            for (int n : new int[] {first, second}) {
                double[] part = cache.forward(tape, tape.put(Arrays.copyOfRange(ids, at, at + n), 1, n)).value()
                        .toDoubles();
                System.arraycopy(part, 0, pieces, at * 21, part.length);
                at += n;
            }
            assertEquals(7, cache.length());
        }
        Golden.assertClose("hidden", whole, pieces, 2e-6);
    }

    @Test
    void narrowChoicesAreGreedy() {
        int[] greedy = generate(PROMPT, Sampling.greedy(40));
        assertArrayEquals(greedy, generate(PROMPT, new Sampling(1, 1, 1, 40, 1)));
        assertArrayEquals(greedy, generate(PROMPT, new Sampling(1, 0, 1e-9, 40, 2)));
        assertArrayEquals(greedy, generate(PROMPT, new Sampling(1, 7, 1e-9, 40, 3)));
        assertArrayEquals(greedy, generate(PROMPT, new Sampling(1e-4, 0, 1, 40, 4)));
        assertFalse(Arrays.equals(greedy, generate(PROMPT, new Sampling(1, 0, 1, 40, 5))));
    }

    @Test
    void theSeedDecides() {
        Sampling sampling = new Sampling(0.9, 20, 0.9, 40, 17);
        int[] text = generate(PROMPT, sampling);
        assertArrayEquals(text, generate(PROMPT, sampling));
        Generator used = new Generator(model, 61, -1);
        used.generate(new int[] {9, 9}, Sampling.greedy(50), t -> true);
        assertArrayEquals(text, used.generate(PROMPT, sampling, t -> true).tokens());
        assertFalse(Arrays.equals(text, generate(PROMPT, new Sampling(0.9, 20, 0.9, 40, 18))));
    }

    @Test
    void anEmptyPromptIsEndOfText() {
        Generator generator = new Generator(model, 61, 42);
        assertArrayEquals(generator.generate(new int[] {42}, Sampling.greedy(9), t -> true).tokens(),
                generator.generate(new int[0], Sampling.greedy(9), t -> true).tokens());
        assertArrayEquals(generate(new int[] {0}, Sampling.greedy(9)), generate(new int[0], Sampling.greedy(9)));
    }

    @Test
    void aLongPromptKeepsItsEnd() {
        int[] prompt = new int[capacity + 5];
        Arrays.setAll(prompt, i -> (11 * i) % 61);
        Generation cut = new Generator(model, 61, -1).generate(prompt, Sampling.greedy(5), t -> true);
        assertEquals("The prompt has 29 tokens, but the model's context has 24: only the last 24 are used.",
                cut.notes().getFirst());
        int[] end = Arrays.copyOfRange(prompt, 5, prompt.length);
        Generation whole = new Generator(model, 61, -1).generate(end, Sampling.greedy(5), t -> true);
        assertArrayEquals(whole.tokens(), cut.tokens());
        assertEquals(cut.notes().subList(1, 2), whole.notes());
    }

    @Test
    void aTextLongerThanTheContextSaysSoOnce() {
        assertEquals(List.of(), new Generator(model, 61, -1)
                .generate(PROMPT, Sampling.greedy(capacity - PROMPT.length + 1), t -> true).notes());
        List<String> notes = new Generator(model, 61, -1).generate(PROMPT, Sampling.greedy(5 * capacity), t -> true)
                .notes();
        assertEquals(1, notes.size(), notes::toString);
        assertTrue(notes.getFirst().startsWith("The text is longer than the model's context of 24 tokens"),
                notes::toString);
    }

    @Test
    void endOfTextStops() {
        int[] greedy = generate(PROMPT, Sampling.greedy(40));
        int last = greedy[20];
        int first = 0;
        while (greedy[first] != last) {
            first++;
        }
        List<Integer> seen = new ArrayList<>();
        Generation ended = new Generator(model, 61, last).generate(PROMPT, Sampling.greedy(40), seen::add);
        assertEquals(Generation.End.END_OF_TEXT, ended.end());
        assertArrayEquals(Arrays.copyOf(greedy, first), ended.tokens());
        assertEquals(Arrays.stream(ended.tokens()).boxed().toList(), seen);
    }

    @Test
    void theReceiverStops() {
        List<Integer> seen = new ArrayList<>();
        Generation stopped = new Generator(model, 61, -1).generate(PROMPT, Sampling.greedy(40), t -> {
            seen.add(t);
            return seen.size() < 7;
        });
        assertEquals(Generation.End.STOPPED, stopped.end());
        assertEquals(7, stopped.tokens().length);
        assertEquals(Arrays.stream(stopped.tokens()).boxed().toList(), seen);
        assertEquals(Generation.End.LENGTH,
                new Generator(model, 61, -1).generate(PROMPT, Sampling.greedy(7), t -> true).end());
    }

    @Test
    void idsBeyondTheVocabularyAreNotDrawn() {
        Generator generator = new Generator(model, 10, -1);
        int[] tokens = generator.generate(PROMPT, new Sampling(5, 0, 1, 200, 1), t -> true).tokens();
        assertTrue(Arrays.stream(tokens).allMatch(t -> t < 10));
        assertEquals(10, Arrays.stream(tokens).distinct().count());
    }

    @Test
    void aTextHasATokenAtLeast() {
        Sampling none = Sampling.greedy(0);
        String message = assertThrows(UserError.class, () -> generate(PROMPT, none)).getMessage();
        assertTrue(message.startsWith("max new tokens "), message);
    }

    @Test
    void promptsAreChecked() {
        assertThrows(IndexOutOfBoundsException.class, () -> generate(new int[] {61}, Sampling.greedy(1)));
    }

    /** GPT-2's vocabulary has an end of text; a context of one token forgets everything at each step. */
    @Test
    void theSmallestContext() {
        Gpt2 one = Tiny.model(Gpt2Config.of(1, 1, 4, 1).with(Gpt2Config.VOCAB_SIZE, 50304), backend);
        int[] tokens = new Generator(one).generate(new int[0], new Sampling(50, 0, 1, 30, 1), t -> true).tokens();
        assertTrue(tokens.length == 30 && Arrays.stream(tokens).allMatch(t -> t < 50256), Arrays.toString(tokens));
    }

    @Test
    void damagedWeightsAreNamed() {
        Gpt2 bad = Tiny.model(Tiny.config(), backend);
        Tensor weight = bad.head().value();
        weight.kernels().fill(weight.storage(), weight.size(), Float.NaN);
        String message =
                assertThrows(UserError.class, () -> new Generator(bad).generate(PROMPT, Sampling.greedy(1), t -> true))
                        .getMessage();
        assertTrue(message.contains("not finite"), message);
    }

    @ParameterizedTest
    @CsvSource({"-0.1, 0, 1, 1, temperature", "NaN, 0, 1, 1, temperature", "Infinity, 0, 1, 1, temperature",
        "1, -1, 1, 1, top k", "1, 0, 0, 1, top p", "1, 0, 1.01, 1, top p", "1, 0, NaN, 1, top p",
        "1, 0, 1, -1, max new tokens"})
    void optionsAreChecked(double temperature, int topK, double topP, int tokens, String option) {
        String message =
                assertThrows(UserError.class, () -> new Sampling(temperature, topK, topP, tokens, 0)).getMessage();
        assertTrue(message.startsWith(option + " "), message);
    }
}
