// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.generate;

import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.PagedModel;
import io.eslm.gpt2.tokenizer.Tokenizer;
import io.eslm.tensor.Checks;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Kernels;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Runs many sequences at once: each step computes the next position of every one that runs, in one pass over the weights, and parts of
 * the prompts of new ones. Sequences come and go between steps, in the order in which they were submitted. Thread-safe; all work is
 * done on one thread of its own, and by the backend's.
 *
 * <p>A sequence is what {@link Generator} makes of its prompt, to the last bit: neither who else runs, nor what is in the cache, nor
 * how its prompt is divided changes a token or a log-probability. Those of a prompt of {@value Kernels#MANY} tokens or more are those
 * of one pass over it, to the last bit. In shorter ones attention adds up in the order in which it does for new tokens.
 *
 * <p>Keys and values lie in pages of a pool, whose bytes are all that grows with what runs. A sequence begins when the pages for its
 * prompt and all its new tokens are free. Prompts that begin with the same tokens share the pages of their beginning, and pages that
 * nobody uses stay until they are needed.
 */
public final class BatchGenerator implements AutoCloseable {
    private final Gpt2Config config;
    private final int endOfText;
    private final BatchLimits limits;
    private final BatchStep step;
    private final int pages;
    /** Guards what follows. */
    private final Object lock = new Object();
    private final Deque<Running> waiting = new ArrayDeque<>();
    private final Thread thread;
    private BatchStats stats;
    private boolean closed;

    /** Allocates the pool and starts the thread. The ids that can be drawn, and the end of a text, are as in {@link Generator}. */
    public BatchGenerator(Gpt2 model, Optional<Tokenizer> tokenizer, BatchLimits limits) {
        this(model, tokenizer.map(Tokenizer::vocabSize).orElse(model.config().vocabSize()),
                tokenizer.map(Tokenizer::endOfText).orElse(OptionalInt.empty()).orElse(-1), limits);
    }

    /**
     * For any vocabulary.
     *
     * @param vocabulary number of ids that can be drawn, from 0
     * @param endOfText the id that ends a text and stands for an empty prompt; −1 if there is none
     * @throws UserError if the pool has no room for one page
     */
    public BatchGenerator(Gpt2 model, int vocabulary, int endOfText, BatchLimits limits) {
        Checks.check(vocabulary > 0 && vocabulary <= model.config().vocabSize() && endOfText < vocabulary, "generator",
                "vocabulary %d, end of text %d and the model's %d ids do not fit", vocabulary, endOfText,
                model.config().vocabSize());
        config = model.config();
        this.endOfText = endOfText;
        this.limits = limits;
        step = new BatchStep(model, vocabulary, endOfText, limits);
        pages = step.pool().total();
        count();
        thread = Thread.ofPlatform().daemon().name("generation").start(this::work);
    }

    /**
     * Queues a sequence.
     *
     * @throws BusyException if as many wait as may wait
     * @throws UserError if it can never run: it is longer than the context or the pool, an id is not in the vocabulary, or this is
     *     closed
     */
    public Sequence submit(Request request, Listener listener) {
        int[] prompt = request.prompt().length > 0 ? request.prompt().clone() : new int[] {Math.max(0, endOfText)};
        int fresh = request.sampling().maxNewTokens();
        UserError.check((long) prompt.length + fresh <= config.blockSize(),
                "the prompt's %d tokens and %d new ones are more than the model's context of %d", prompt.length, fresh,
                config.blockSize());
        for (int i = 0; i < prompt.length; i++) {
            UserError.check(prompt[i] >= 0 && prompt[i] < config.vocabSize(),
                    "token %d of the prompt is %d, but the model's ids are 0 to %d", i, prompt[i],
                    config.vocabSize() - 1);
        }
        UserError.check(Running.pages(prompt.length, fresh, limits.pageTokens()) <= pages,
                "the prompt's %d tokens and %d new ones are more than the %d positions that the pool of keys and values has",
                prompt.length, fresh, (long) pages * limits.pageTokens());
        Running r = new Running(request, listener, prompt, step.pool(), limits.pageTokens());
        synchronized (lock) {
            UserError.check(!closed, "no more sequences are accepted");
            if (waiting.size() >= limits.maxWaiting()) {
                throw new BusyException(waiting.size());
            }
            waiting.add(r);
            lock.notifyAll();
        }
        return r;
    }

    /** What it does now, and has done so far. */
    public BatchStats stats() {
        synchronized (lock) {
            return new BatchStats(stats.running(), waiting.size(), stats.pagesUsed(), stats.pagesCached(), pages,
                    poolBytes(),
                    stats.promptTokens(), stats.cachedTokens(), stats.newTokens());
        }
    }

    /** True if it takes no more sequences, because it was closed or could not go on. */
    public boolean isClosed() {
        synchronized (lock) {
            return closed;
        }
    }

    /** Bytes of the pool. */
    public long poolBytes() {
        return pages * PagedModel.pageBytes(config, limits.pageTokens());
    }

    private void count() {
        PagePool pool = step.pool();
        BatchStats now = new BatchStats(step.running(), 0, pages - pool.unused(), pool.cached(), pages, 0,
                step.promptTokens, step.cachedTokens, step.newTokens);
        synchronized (lock) {
            stats = now;
        }
    }

    private void work() {
        Throwable why = null;
        try {
            while (admit()) {
                try {
                    step.run();
                    count();
                } catch (RuntimeException | Error e) {
                    step.endAll(e);
                }
            }
        } catch (RuntimeException | Error e) {
            why = e;
            throw e;
        } finally {
            List<Running> over;
            synchronized (lock) {
                closed = true;
                over = List.copyOf(waiting);
                waiting.clear();
            }
            step.endAll(why);
            for (Running r : over) {
                step.end(r, Generation.End.STOPPED, why);
            }
            count();
        }
    }

    /** Waits until there is something to do, then lets those run that can; false when all is over. */
    private boolean admit() {
        List<Running> over = new ArrayList<>(0);
        boolean more;
        synchronized (lock) {
            while (waiting.isEmpty() && step.running() == 0 && !closed) {
                try {
                    lock.wait();
                } catch (InterruptedException _) {
                    closed = true;
                }
            }
            more = !closed;
            waiting.removeIf(r -> r.cancelled() && over.add(r));
            while (more && !waiting.isEmpty() && step.running() < limits.maxRunning()
                    && step.admit(waiting.getFirst())) {
                waiting.removeFirst();
            }
        }
        over.forEach(r -> step.end(r, Generation.End.STOPPED, null));
        return more;
    }

    /** Accepts no more sequences, ends those that run and wait as {@link Generation.End#STOPPED}, and waits for that. */
    @Override
    public void close() {
        synchronized (lock) {
            closed = true;
            lock.notifyAll();
        }
        boolean interrupted = false;
        while (thread.isAlive() && thread != Thread.currentThread()) {
            try {
                thread.join();
            } catch (InterruptedException _) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
