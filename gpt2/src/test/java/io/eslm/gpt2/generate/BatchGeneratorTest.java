// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.generate;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.autograd.Tape;
import io.eslm.autograd.Variable;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.KeyValueCache;
import io.eslm.gpt2.WeightFormat;
import io.eslm.gpt2.Weights;
import io.eslm.tensor.Rng;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import io.eslm.tensor.backend.Kernels;
import io.eslm.tensor.backend.Workspace;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A sequence has the bits that it has alone, token by token, whatever runs beside it. */
class BatchGeneratorTest {
    private static final int VOCABULARY = 67;
    private static final int CONTEXT = 300;
    private static final long POOL = 4 << 20;
    private final Backend backend = Backends.open("vector", 2);

    @AfterEach
    void close() {
        backend.close();
    }

    /** GPT-2, or all that other models have in its place. Weights of a standard deviation of 0.2, for clear preferences. */
    private Gpt2 model(boolean variant, WeightFormat format) {
        Gpt2Config config = Gpt2Config.of(2, 2, 36, CONTEXT).with(Gpt2Config.VOCAB_SIZE, VOCABULARY);
        if (variant) {
            config = config.with(Gpt2Config.ACTIVATION, "silu").with(Gpt2Config.BIAS, false)
                    .with(Gpt2Config.TIE_WORD_EMBEDDINGS, false).with(Gpt2Config.SCALE_ATTN_BY_INVERSE_LAYER_IDX, true)
                    .with(Gpt2Config.N_INNER, 50);
        }
        Weights small = Weights.random(config, backend, Rng.of(4));
        return new Gpt2(config, backend, format.of((path, dims) -> {
            var t = small.load(path, dims);
            if (dims.length == 2) {
                backend.kernels().axpby(t.storage(), t.storage(), t.size(), 0, 10);
            }
            return t;
        }));
    }

    private static int[] prompt(int length, int seed) {
        int[] ids = new int[length];
        Arrays.setAll(ids, i -> (int) Long.remainderUnsigned(Rng.mix(1000L * seed + i), VOCABULARY));
        return ids;
    }

    private static List<Request> requests() {
        List<Request> all = new ArrayList<>();
        int[] lengths = {1, 2, 5, 6, 7, 8, 9, 12, 13, 15, 16, 17, 31, 33, 64, 90, 200, 260};
        for (int i = 0; i < lengths.length; i++) {
            Sampling sampling = switch (i % 3) {
                case 0 -> Sampling.greedy(20);
                case 1 -> new Sampling(1, 0, 1, 30, i);
                default -> new Sampling(0.9, 20, 0.9, 11, i);
            };
            all.add(new Request(prompt(lengths[i], i), sampling, i % 4 - 1, i % 2 == 0));
        }
        return all;
    }

    /** What a generator makes of a request, with the log-probabilities of its logits. */
    private static Heard alone(Gpt2 model, Request request) {
        Heard heard = new Heard();
        Kernels kernels = model.backend().kernels();
        KeyValueCache cache = new KeyValueCache(model, 1, CONTEXT);
        Sampler sampler = new Sampler(request.sampling(), VOCABULARY);
        int[] next = request.prompt();
        for (int i = 0; i < request.sampling().maxNewTokens(); i++) {
            try (Tape tape = Tape.evaluation(new Workspace(model.backend()))) {
                Variable hidden = cache.forward(tape, tape.put(next, 1, next.length));
                var logits = model.logits(tape.constant(hidden.value().rows(next.length - 1, 1))).value();
                next = new int[] {sampler.draw(logits.toFloats())};
                var out = tape.memory(logits.dtype(), 3);
                kernels.crossEntropy(out.storage(), tape.memory(logits.dtype(), 1).storage(),
                        tape.memory(logits.dtype(), 1).storage(), logits.storage(), tape.put(next, 1).storage(), 1,
                        VOCABULARY);
                heard.onToken(next[0], new TokenLogprobs(next[0], -(double) out.toFloats()[0], null, null));
            }
        }
        if (request.promptLogprobs()) {
            try (Tape tape = Tape.evaluation(new Workspace(model.backend()))) {
                int[] ids = request.prompt();
                int[] targets = Arrays.copyOfRange(ids, 1, ids.length + 1);
                float[] losses =
                        model.losses(model.forward(tape, tape.put(ids, 1, ids.length)), tape.put(targets, ids.length))
                                .lossValues();
                for (int i = 0; i + 1 < ids.length; i++) {
                    heard.prompt.add(new TokenLogprobs(ids[i + 1], -(double) losses[i], null, null));
                }
            }
        }
        return heard;
    }

    private static void assertSame(Heard want, Heard got, Request request, String what) {
        assertNull(got.error, what);
        assertEquals(Generation.End.LENGTH, got.end, what);
        assertEquals(1, got.ends, what);
        assertEquals(want.tokens, got.tokens, what);
        for (int i = 0; i < got.tokens.size(); i++) {
            TokenLogprobs of = got.logprobs.get(i);
            if (request.topLogprobs() < 0) {
                assertNull(of);
            } else {
                assertEquals(want.logprobs.get(i).logprob(), of.logprob(), what + ", token " + i);
                check(of, request.topLogprobs(), what);
            }
        }
        assertEquals(want.prompt.size(), got.prompt.size(), what);
        for (int i = 0; i < want.prompt.size(); i++) {
            TokenLogprobs of = got.prompt.get(i);
            assertEquals(want.prompt.get(i).id(), of.id(), what);
            // short prompts: another order of additions in attention, about 2⁻²⁴ in each of some hundred steps
            assertEquals(want.prompt.get(i).logprob(), of.logprob(), request.prompt().length < Kernels.MANY ? 2e-5 : 0,
                    what + ", position " + i);
            check(of, Math.max(0, request.topLogprobs()), what);
        }
    }

    private static void check(TokenLogprobs of, int top, String what) {
        assertEquals(top, of.topIds().length, what);
        double sum = 0;
        for (int i = 0; i < top; i++) {
            assertTrue(i == 0 || of.topLogprobs()[i] < of.topLogprobs()[i - 1]
                    || of.topLogprobs()[i] == of.topLogprobs()[i - 1] && of.topIds()[i] > of.topIds()[i - 1], what);
            assertTrue(of.topIds()[i] != of.id() || of.topLogprobs()[i] == of.logprob(), what);
            sum += Math.exp(of.topLogprobs()[i]);
        }
        assertTrue(sum < 1 + 1e-6 && of.logprob() <= 0, what);
    }

    @ParameterizedTest
    @CsvSource({"false, F32, 16", "false, F32, 1", "true, F32, 5", "false, Q8, 4", "true, Q8, 64"})
    void companyChangesNoBit(boolean variant, WeightFormat format, int pageTokens) {
        Gpt2 model = model(variant, format);
        List<Request> requests = requests();
        List<Heard> want = requests.stream().map(r -> alone(model, r)).toList();
        for (int running : new int[] {1, 3, 32}) {
            try (BatchGenerator batch = new BatchGenerator(model, VOCABULARY, -1,
                    new BatchLimits(pageTokens, POOL, running, 100))) {
                List<Heard> heard = requests.stream().map(_ -> new Heard()).toList();
                for (int i = 0; i < heard.size(); i++) {
                    batch.submit(requests.get(i), heard.get(i));
                }
                for (int i = 0; i < heard.size(); i++) {
                    assertSame(want.get(i), heard.get(i).await(), requests.get(i), "request " + i + " of " + running);
                }
            }
        }
    }

    @Test
    void aGeneratorMakesTheSame() {
        Gpt2 model = model(false, WeightFormat.F32);
        Generator generator = new Generator(model, VOCABULARY, -1);
        for (Request request : requests()) {
            int[] want = generator.generate(request.prompt(), request.sampling(), t -> true).tokens();
            assertArrayEquals(want, alone(model, request).ids());
        }
    }

    /** Several continuations of one context, at once and one after the other, and the context again: it is computed once. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aSharedBeginningIsComputedOnce(boolean atOnce) {
        Gpt2 model = model(false, WeightFormat.F32);
        try (BatchGenerator batch = new BatchGenerator(model, VOCABULARY, -1, new BatchLimits(8, POOL, 32, 100))) {
            List<Request> requests = new ArrayList<>();
            for (int i = 0; i < 6; i++) {
                int[] ids = Arrays.copyOf(prompt(150, 1), 150 + 3 * i);
                System.arraycopy(prompt(3 * i, 50 + i), 0, ids, 150, 3 * i);
                requests.add(new Request(ids, new Sampling(1, 0, 1, 5, i), i % 3, true));
            }
            List<Heard> heard = new ArrayList<>();
            CountDownLatch submitted = new CountDownLatch(atOnce ? 1 : 0);
            batch.submit(Request.of(new int[] {1}, Sampling.greedy(1)), new Heard() {
                @Override
                public boolean onToken(int id, TokenLogprobs of) {
                    try {
                        submitted.await(); // all others come in one step
                    } catch (InterruptedException e) {
                        throw new AssertionError(e);
                    }
                    return super.onToken(id, of);
                }
            });
            for (Request request : requests) {
                heard.add(new Heard());
                batch.submit(request, heard.getLast());
                if (!atOnce) {
                    heard.getLast().await();
                }
            }
            submitted.countDown();
            for (int i = 0; i < heard.size(); i++) {
                assertSame(alone(model, requests.get(i)), heard.get(i).await(), requests.get(i), "continuation " + i);
            }
            long all = requests.stream().mapToLong(r -> r.prompt().length).sum();
            BatchStats stats = settled(batch);
            assertEquals(all + 1, stats.promptTokens() + stats.cachedTokens());
            assertTrue(stats.cachedTokens() >= 5 * 144, stats::toString);
        }
    }

    /** More than fit at once wait; beginnings give way; no page is lost. */
    @Test
    void aSmallPoolMakesThemWait() {
        Gpt2 model = model(false, WeightFormat.F32);
        int pages = 21; // one of the longest takes 20
        BatchLimits limits = new BatchLimits(16, pages * 5L * 16 * 36 * 4, 32, 100);
        try (BatchGenerator batch = new BatchGenerator(model, VOCABULARY, -1, limits)) {
            assertEquals(pages, batch.stats().pagesTotal());
            assertEquals(limits.poolBytes(), batch.poolBytes());
            for (int round = 0; round < 2; round++) {
                List<Heard> heard = new ArrayList<>();
                for (Request request : requests()) {
                    heard.add(new Heard() {
                        @Override
                        public boolean onToken(int id, TokenLogprobs of) {
                            BatchStats stats = batch.stats();
                            assertTrue(stats.pagesUsed() + stats.pagesCached() <= pages, stats::toString);
                            return super.onToken(id, of);
                        }
                    });
                    batch.submit(request, heard.getLast());
                }
                for (int i = 0; i < heard.size(); i++) {
                    assertSame(alone(model, requests().get(i)), heard.get(i).await(), requests().get(i),
                            "request " + i);
                }
            }
            BatchStats stats = settled(batch);
            assertEquals(0, stats.pagesUsed());
            assertTrue(stats.pagesCached() > 0, stats::toString);
        }
    }

    /** The state when nothing runs any more. */
    static BatchStats settled(BatchGenerator batch) {
        BatchStats stats = batch.stats();
        while (stats.running() + stats.waiting() > 0) {
            Thread.onSpinWait();
            stats = batch.stats();
        }
        return stats;
    }

    @Test
    void aLongPromptIsReadWhileOthersRun() {
        Gpt2 model = model(false, WeightFormat.F32);
        try (BatchGenerator batch = new BatchGenerator(model, VOCABULARY, -1, new BatchLimits(16, POOL, 4, 100))) {
            Request late = new Request(prompt(290, 9), Sampling.greedy(10), 0, true);
            Heard second = new Heard();
            List<Integer> when = new ArrayList<>();
            Heard first = new Heard() {
                @Override
                public boolean onToken(int id, TokenLogprobs of) {
                    if (tokens.size() == 3) {
                        batch.submit(late, second);
                    }
                    when.add(second.tokens.size());
                    return super.onToken(id, of);
                }
            };
            Request early = new Request(prompt(20, 2), new Sampling(1, 0, 1, 40, 2), 1, true);
            batch.submit(early, first);
            assertSame(alone(model, early), first.await(), early, "early");
            assertSame(alone(model, late), second.await(), late, "late");
            // 290 positions by 128: three steps, in each of which the first goes on
            assertEquals(List.of(0, 0, 0, 0, 0, 0), when.subList(0, 6));
            assertTrue(when.contains(3), when::toString);
            assertNotNull(first.logprobs.getFirst());
        }
    }
}
