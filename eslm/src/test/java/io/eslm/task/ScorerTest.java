// SPDX-License-Identifier: Apache-2.0
package io.eslm.task;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.Weights;
import io.eslm.tensor.Rng;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Answers behind a context that is computed once, compared with answers whose every token is computed. */
class ScorerTest {
    /** Sums of up to 50 losses of about 4 nats, each of a few hundred additions in single precision in another order. */
    private static final double CLOSE = 1e-4;
    private static final int VOCABULARY = 67;
    private static final int CONTEXT = 50;
    private static final int WIDTH = 24;
    private static final int LAYERS = 2;
    private final Backend backend = Backends.open("vector", 2);
    private final Gpt2 model = model();

    @AfterEach
    void close() {
        backend.close();
    }

    private Gpt2 model() {
        Gpt2Config config =
                Gpt2Config.of(LAYERS, 2, WIDTH, CONTEXT).with(Gpt2Config.VOCAB_SIZE, VOCABULARY);
        Weights small = Weights.random(config, backend, Rng.of(4));
        return new Gpt2(config, backend, (path, dims) -> {
            var t = small.load(path, dims);
            if (dims.length == 2) { // for clear preferences
                backend.kernels().axpby(t.storage(), t.storage(), t.size(), 0, 10);
            }
            return t;
        });
    }

    /** Answers of {@code lengths} tokens after {@code context} tokens; then the answer, and the number, make the tokens. */
    private static List<Sequence> question(int seed, int context, int... lengths) {
        List<Sequence> all = new ArrayList<>();
        for (int a = 0; a < lengths.length; a++) {
            int[] ids = new int[context + lengths[a]];
            int answer = a;
            Arrays.setAll(ids, i -> (int) Long.remainderUnsigned(
                    Rng.mix(1000L * seed + i + (i < context ? 0 : 7777L * (answer + 1))), VOCABULARY));
            all.add(new Sequence(ids, lengths[a]));
        }
        return all;
    }

    /**
     * Contexts that end inside a page, at its end, and in one token; answers of one token, equal answers, long ones that take more than one pass,
     * more answers than pages, a sequence alone, and answers with nothing in common.
     */
    private static List<List<Sequence>> questions() {
        List<List<Sequence>> all = new ArrayList<>(List.of(question(1, 20, 3, 5, 1, 9), question(2, 16, 4, 4),
                question(3, 32, 2, 1, 18), question(4, 1, 30, 49), question(5, 33, 1, 1, 1), question(6, 12, 7),
                question(7, 15, 20, 30, 25, 35, 20, 21, 33, 8, 9, 10, 11, 12), question(8, 50, 1, 1)));
        all.add(List.of(question(9, 3, 4).getFirst(), question(9, 3, 4).getFirst()));
        all.add(List.of(question(10, 9, 20).getFirst(), question(11, 7, 22).getFirst()));
        all.add(List.of(new Sequence(question(12, 1, 50).getFirst().ids(), 50)));
        return all;
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 100})
    void equalsWholeSequences(int batchSize) {
        List<List<Sequence>> questions = questions();
        long[] done = new long[2];
        Answer[] whole = new WholeSequences(model, batchSize, true).score(questions, n -> done[0] += n);
        Answer[] shared = new SharedContexts(model, batchSize, true).score(questions, n -> done[1] += n);
        assertEquals(whole.length, shared.length);
        for (int i = 0; i < whole.length; i++) {
            assertEquals(whole[i].logLikelihood(), shared[i].logLikelihood(), CLOSE, "sequence " + i);
            assertEquals(whole[i].greedy(), shared[i].greedy(), "sequence " + i);
        }
        assertEquals(questions.stream().flatMap(List::stream).mapToLong(Sequence::inputs).sum(), done[0]);
        assertEquals(done[0], done[1]);
    }

    /** Each token of a question is the likeliest one. */
    @Test
    void findsWhatTheModelWouldSay() {
        int[] ids = {5, 9, 13, 20, 0, 0};
        for (int n = 4; n < 6; n++) {
            for (ids[n] = 0; !score(new Sequence(Arrays.copyOf(ids, n + 1), 1)).greedy();) {
                ids[n]++;
            }
        }
        int[] other = ids.clone();
        other[5] = (other[5] + 1) % VOCABULARY;
        Answer[] both = new SharedContexts(model, 1, true)
                .score(List.of(List.of(new Sequence(ids, 2), new Sequence(other, 2))), _ -> {
                });
        assertEquals(List.of(true, false), Arrays.stream(both).map(Answer::greedy).toList());
    }

    private Answer score(Sequence sequence) {
        return new SharedContexts(model, 1, true).score(List.of(List.of(sequence)), _ -> {
        })[0];
    }

    /** Whatever is computed beside a sequence, and wherever its pages lie. */
    @Test
    void companyChangesNoBit() {
        List<List<Sequence>> questions = questions();
        Answer[] together = new SharedContexts(model, 100, true).score(questions, _ -> {
        });
        List<Answer> alone = new ArrayList<>();
        questions.stream().flatMap(List::stream).forEach(s -> alone.add(score(s)));
        assertArrayEquals(alone.toArray(), together);
        assertArrayEquals(together, new SharedContexts(model, 1, true).score(questions, _ -> {
        }));
    }

    /** Multiply-adds, two FLOPs each: linear layers of each position, attention to what is before it, and the head where a token is scored. */
    @Test
    void aContextIsComputedOnce() {
        long before = backend.flops().total();
        new SharedContexts(model, 1, false).score(List.of(question(1, 20, 3, 5, 1, 9)), _ -> {
        });
        int[] own = {2, 4, 0, 8}; // the last token of an answer is only predicted
        long positions = 20;
        long pairs = 20 * 21 / 2;
        for (int n : own) {
            positions += n;
            pairs += n * 20 + n * (n + 1) / 2;
        }
        long scored = 3 + 5 + 1 + 9;
        assertEquals(2 * (LAYERS * (12L * WIDTH * WIDTH * positions + 2 * WIDTH * pairs) + scored * WIDTH * VOCABULARY),
                backend.flops().total() - before);
    }
}
