// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.generate;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.train.Tiny;
import io.eslm.tensor.Rng;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** How sequences come, end, and are refused. */
class BatchLifeTest {
    private static final int CONTEXT = 64;
    private final Backend backend = Backends.open("vector", 2);
    private final Gpt2 model = Tiny.model(Gpt2Config.of(1, 2, 16, CONTEXT).with(Gpt2Config.VOCAB_SIZE, 48), backend);

    @AfterEach
    void close() {
        backend.close();
    }

    private BatchGenerator open(int pages, int running, int waiting) {
        return new BatchGenerator(model, Optional.empty(),
                new BatchLimits(8, pages * 3L * 8 * 16 * 4, running, waiting));
    }

    private static Request request(int prompt, int fresh) {
        int[] ids = new int[prompt];
        Arrays.setAll(ids, i -> i % 48);
        return Request.of(ids, new Sampling(1, 0, 1, fresh, 1));
    }

    /** Holds the engine's thread at its first token until it is let go. */
    private static final class Holding extends Heard {
        final CountDownLatch held = new CountDownLatch(1);
        final CountDownLatch go = new CountDownLatch(1);

        @Override
        public boolean onToken(int id, TokenLogprobs of) {
            if (tokens.isEmpty()) {
                held.countDown();
                try {
                    go.await();
                } catch (InterruptedException e) {
                    throw new AssertionError(e);
                }
            }
            return super.onToken(id, of);
        }
    }

    @Test
    void cancelEndsWhatRunsAndWhatWaits() throws InterruptedException {
        try (BatchGenerator batch = open(100, 1, 10)) {
            Holding running = new Holding();
            Heard waiting = new Heard();
            Sequence first = batch.submit(request(5, 50), running);
            running.held.await();
            Sequence second = batch.submit(request(5, 50), waiting);
            second.cancel();
            first.cancel();
            running.go.countDown();
            assertEquals(Generation.End.STOPPED, waiting.await().end);
            assertEquals(Generation.End.STOPPED, running.await().end);
            assertEquals(List.of(), waiting.tokens);
            assertEquals(1, running.tokens.size());
            assertEquals(0, BatchGeneratorTest.settled(batch).pagesUsed());
            first.cancel();
            assertEquals(Generation.End.LENGTH, submit(batch, request(3, 4)).end);
        }
    }

    private static Heard submit(BatchGenerator batch, Request request) {
        Heard heard = new Heard();
        batch.submit(request, heard);
        return heard.await();
    }

    @Test
    void aListenerEndsItsOwnSequence() {
        try (BatchGenerator batch = open(100, 4, 10)) {
            Heard whole = new Heard();
            batch.submit(request(5, 50), whole);
            Heard two = new Heard() {
                @Override
                public boolean onToken(int id, TokenLogprobs of) {
                    super.onToken(id, of);
                    return tokens.size() < 2;
                }
            };
            batch.submit(request(5, 50), two);
            AssertionError broken = new AssertionError("broken");
            Heard throwing = new Heard() {
                @Override
                public boolean onToken(int id, TokenLogprobs of) {
                    throw broken;
                }
            };
            batch.submit(request(5, 50), throwing);
            assertEquals(Generation.End.STOPPED, two.await().end);
            assertNull(two.error);
            assertEquals(2, two.tokens.size());
            assertSame(broken, throwing.await().error);
            assertEquals(50, whole.await().tokens.size());
        }
    }

    @Test
    void endOfTextEndsASequence() {
        int[] text;
        try (BatchGenerator batch = open(100, 1, 1)) {
            text = submit(batch, request(5, 50)).ids();
        }
        int last = text[20];
        int first = 0;
        while (text[first] != last) {
            first++;
        }
        try (BatchGenerator batch = new BatchGenerator(model, 48, last, BatchLimits.of(1 << 20))) {
            Heard heard = submit(batch, request(5, 50));
            Request named = new Request(request(5, 50).prompt(), request(5, 50).sampling(), 2, false);
            assertEquals(submit(open(100, 1, 1), named).logprobs.get(first).logprob(),
                    submit(batch, named).endOfText.logprob(), "as of any other token");
            assertNull(heard.endOfText, "nobody asked");
            assertEquals(Generation.End.END_OF_TEXT, heard.end);
            assertArrayEquals(Arrays.copyOf(text, first), heard.ids());
            assertArrayEquals(
                    new Generator(model, 48, last).generate(new int[0], Sampling.greedy(9), t -> true).tokens(),
                    submit(batch, Request.of(new int[0], Sampling.greedy(9))).ids());
        }
    }

    @Test
    void aPromptCanJustBeRead() {
        try (BatchGenerator batch = open(100, 1, 1)) {
            Heard heard = submit(batch, new Request(request(CONTEXT, 1).prompt(), Sampling.greedy(0), 3, true));
            assertEquals(Generation.End.LENGTH, heard.end);
            assertEquals(CONTEXT - 1, heard.prompt.size());
            assertEquals(List.of(), heard.tokens);
            assertEquals(Generation.End.LENGTH,
                    submit(batch, new Request(new int[] {1}, Sampling.greedy(0), -1, true)).end);
        }
    }

    @Test
    void whatCannotRunIsRefused() throws InterruptedException {
        try (BatchGenerator batch = open(7, 1, 2)) {
            Heard none = new Heard();
            assertEquals("the prompt's 60 tokens and 5 new ones are more than the model's context of 64",
                    refused(batch, request(60, 5), none));
            assertEquals(
                    "the prompt's 56 tokens and 2 new ones are more than the 56 positions that the pool of keys and "
                            + "values has",
                    refused(batch, request(56, 2), none));
            assertEquals("token 1 of the prompt is 48, but the model's ids are 0 to 47",
                    refused(batch, Request.of(new int[] {3, 48}, Sampling.greedy(1)), none));
            Holding running = new Holding();
            batch.submit(request(5, 2), running);
            running.held.await();
            Heard second = new Heard();
            batch.submit(request(5, 2), second);
            batch.submit(request(5, 2), new Heard());
            assertThrows(BusyException.class, () -> batch.submit(request(5, 2), none));
            running.go.countDown();
            assertEquals(running.await().tokens, second.await().tokens);
            assertEquals(0, none.ends);
        }
        BatchLimits small = new BatchLimits(8, 1000, 1, 1);
        assertEquals("the pool's 1,000 bytes are less than one page of keys and values, which takes 1,536",
                assertThrows(UserError.class, () -> new BatchGenerator(model, Optional.empty(), small)).getMessage());
    }

    private static String refused(BatchGenerator batch, Request request, Heard heard) {
        return assertThrows(UserError.class, () -> batch.submit(request, heard)).getMessage();
    }

    @Test
    void closeEndsAll() throws InterruptedException {
        BatchGenerator batch = open(100, 1, 10);
        Holding running = new Holding();
        Heard waiting = new Heard();
        batch.submit(request(5, 50), running);
        batch.submit(request(5, 50), waiting);
        running.held.await();
        Thread closing = Thread.ofVirtual().start(batch::close);
        while (true) {
            try {
                batch.submit(request(5, 5), new Heard()); // until it is closed
                Thread.onSpinWait();
            } catch (UserError | BusyException e) {
                if (e instanceof UserError) {
                    break;
                }
            }
        }
        running.go.countDown();
        closing.join();
        assertEquals(Generation.End.STOPPED, running.await().end);
        assertEquals(Generation.End.STOPPED, waiting.await().end);
        assertEquals(0, batch.stats().pagesUsed() + batch.stats().waiting() + batch.stats().running());
        batch.close();
        assertEquals("no more sequences are accepted", refused(batch, request(5, 2), new Heard()));
    }

    @Test
    void damagedWeightsEndASequenceNotTheOthers() {
        Gpt2 bad = Tiny.model(Gpt2Config.of(1, 2, 16, CONTEXT).with(Gpt2Config.VOCAB_SIZE, 48), backend);
        Tensor positions = bad.parameters().get("positions.weight").value();
        backend.kernels().fill(positions.rows(20, 1).storage(), 16, Float.NaN);
        try (BatchGenerator batch = new BatchGenerator(bad, Optional.empty(), BatchLimits.of(1 << 20))) {
            Heard reading = new Heard();
            batch.submit(new Request(request(30, 1).prompt(), Sampling.greedy(1), 1, true), reading);
            Heard far = new Heard();
            batch.submit(request(5, 30), far);
            assertEquals(10, submit(batch, request(4, 10)).tokens.size());
            assertEquals(16, far.await().tokens.size());
            assertTrue(far.error instanceof UserError && far.error.getMessage().contains("not finite"),
                    () -> "" + far.error);
            assertTrue(reading.await().error.getMessage().contains("not finite after token "),
                    () -> "" + reading.error);
        }
    }

    /** Random sizes, many of them equal at the beginning, and random ends: every page comes back. */
    @Test
    void noPageIsLost() {
        Rng rng = Rng.of(77);
        try (BatchGenerator batch = open(30, 6, 2000)) {
            List<Heard> all = new ArrayList<>();
            List<Sequence> sequences = new ArrayList<>();
            for (int i = 0; i < 1000; i++) {
                int stop = rng.nextInt(4) == 0 ? 1 + rng.nextInt(5) : Integer.MAX_VALUE;
                int length = 1 + rng.nextInt(40);
                int[] ids = request(length, 1).prompt();
                ids[length / 2] = rng.nextInt(3);
                Heard heard = new Heard() {
                    @Override
                    public boolean onToken(int id, TokenLogprobs of) {
                        super.onToken(id, of);
                        return tokens.size() < stop;
                    }
                };
                all.add(heard);
                sequences.add(
                        batch.submit(new Request(ids, new Sampling(1, 0, 1, rng.nextInt(20), i), rng.nextInt(4) - 1,
                                rng.nextInt(2) == 0), heard));
                if (rng.nextInt(3) == 0) {
                    sequences.get(rng.nextInt(sequences.size())).cancel();
                }
                if (rng.nextInt(40) == 0) {
                    all.get(rng.nextInt(all.size())).await();
                }
            }
            for (Heard heard : all) {
                heard.await();
                assertNull(heard.error);
            }
            BatchStats stats = BatchGeneratorTest.settled(batch);
            assertEquals(0, stats.pagesUsed(), stats::toString);
            assertTrue(stats.cachedTokens() > 1000, stats::toString);
            for (int i = 0; i < 1000; i++) {
                assertEquals(1, all.get(i).ends);
            }
            assertEquals(56, submit(batch, request(8, 56)).tokens.size());
        }
    }
}
