// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.generate;

import io.eslm.autograd.Tape;
import io.eslm.autograd.Variable;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.KeyValueCache;
import io.eslm.gpt2.tokenizer.Tokenizer;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Workspace;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/** Runs sequences, each on the same thread. Thread-safe. A sequence is what {@link Generator} makes of its prompt. */
public final class BatchGenerator implements AutoCloseable {
    private final Gpt2 model;
    private final int vocabulary;
    private final int endOfText;
    private final BatchLimits limits;
    private final Workspace workspace;
    private final KeyValueCache cache;
    private final float[] logits;
    private final Deque<Job> waiting = new ArrayDeque<>();
    private final Thread thread;
    private Job running;
    private long promptTokens;
    private long newTokens;
    private boolean closed;

    private static final class Job implements Sequence {
        final Request request;
        final Listener listener;
        volatile boolean cancelled;

        Job(Request request, Listener listener) {
            this.request = request;
            this.listener = listener;
        }

        @Override
        public void cancel() {
            cancelled = true;
        }
    }

    /** Starts the thread. The ids that can be drawn, and the end of a text, are the tokenizer's, as in {@link Generator}. */
    public BatchGenerator(Gpt2 model, Optional<Tokenizer> tokenizer, BatchLimits limits) {
        this.model = model;
        this.limits = limits;
        vocabulary = tokenizer.map(Tokenizer::vocabSize).orElse(model.config().vocabSize());
        endOfText = tokenizer.map(Tokenizer::endOfText).orElse(OptionalInt.empty()).orElse(-1);
        workspace = new Workspace(model.backend());
        cache = new KeyValueCache(model, 1, model.config().blockSize());
        logits = new float[model.config().vocabSize()];
        thread = Thread.ofPlatform().daemon().name("generation").start(this::work);
    }

    /**
     * Queues a sequence.
     *
     * @throws BusyException if as many wait as may wait
     * @throws UserError if it can never run: it is longer than the context, an id is not in the vocabulary, or this is closed
     */
    public Sequence submit(Request request, Listener listener) {
        int capacity = model.config().blockSize();
        int length = Math.max(1, request.prompt().length) + request.sampling().maxNewTokens();
        UserError.check(length <= capacity,
                "the prompt's %d tokens and %d new ones are more than the model's context of %d",
                request.prompt().length, request.sampling().maxNewTokens(), capacity);
        for (int i = 0; i < request.prompt().length; i++) {
            int id = request.prompt()[i];
            UserError.check(id >= 0 && id < model.config().vocabSize(),
                    "token %d of the prompt is %d, but the model's ids are 0 to %d", i, id,
                    model.config().vocabSize() - 1);
        }
        Job job = new Job(request, listener);
        synchronized (waiting) {
            UserError.check(!closed, "no more sequences are accepted");
            if (waiting.size() >= limits.maxWaiting()) {
                throw new BusyException(waiting.size());
            }
            waiting.add(job);
            waiting.notifyAll();
        }
        return job;
    }

    /** What it does now. */
    public BatchStats stats() {
        synchronized (waiting) {
            return new BatchStats(running == null ? 0 : 1, waiting.size(), 0, 0, 0, poolBytes(), promptTokens, 0,
                    newTokens);
        }
    }

    /** Bytes of keys and values. */
    public long poolBytes() {
        return 8L * model.config().nLayer() * model.config().nEmbd() * model.config().blockSize();
    }

    private void work() {
        while (true) {
            Job job;
            synchronized (waiting) {
                running = null;
                while (waiting.isEmpty() && !closed) {
                    try {
                        waiting.wait();
                    } catch (InterruptedException _) {
                        closed = true;
                    }
                }
                if (waiting.isEmpty()) {
                    return;
                }
                job = waiting.removeFirst();
                running = job;
            }
            Generation.End end = Generation.End.STOPPED;
            Throwable error = null;
            try {
                end = run(job);
            } catch (RuntimeException | Error e) {
                error = e;
            }
            job.listener.onEnd(end, error);
        }
    }

    private boolean stopped(Job job) {
        synchronized (waiting) {
            return closed || job.cancelled;
        }
    }

    private Generation.End run(Job job) {
        Request request = job.request;
        int[] prompt = request.prompt().length > 0 ? request.prompt() : new int[] {Math.max(0, endOfText)};
        Sampler sampler = new Sampler(request.sampling(), vocabulary);
        cache.clear();
        if (stopped(job)) {
            return Generation.End.STOPPED;
        }
        List<TokenLogprobs> positions = read(prompt, request);
        synchronized (waiting) {
            promptTokens += prompt.length;
        }
        if (request.promptLogprobs()) {
            job.listener.onPrompt(positions);
        }
        for (int made = 0; made < request.sampling().maxNewTokens();) {
            if (stopped(job)) {
                return Generation.End.STOPPED;
            }
            int token = sampler.draw(logits);
            if (token == endOfText) {
                if (request.topLogprobs() >= 0) {
                    job.listener.onEndOfText(logprobs(token, request));
                }
                return Generation.End.END_OF_TEXT;
            }
            synchronized (waiting) {
                newTokens++;
            }
            if (!job.listener.onToken(token, request.topLogprobs() < 0 ? null : logprobs(token, request))) {
                return Generation.End.STOPPED;
            }
            if (++made < request.sampling().maxNewTokens()) {
                read(new int[] {token}, Request.of(prompt, request.sampling()));
            }
        }
        return Generation.End.LENGTH;
    }

    private TokenLogprobs logprobs(int token, Request request) {
        return Logprobs.of(logits, 0, logits.length, vocabulary, token, request.topLogprobs());
    }

    private List<TokenLogprobs> read(int[] ids, Request request) {
        List<TokenLogprobs> positions = new ArrayList<>();
        try (Tape tape = Tape.evaluation(workspace)) {
            Variable hidden = cache.forward(tape, tape.put(ids, 1, ids.length));
            if (request.promptLogprobs()) {
                float[] all = model.logits(hidden).value().toFloats();
                for (int i = 0; i + 1 < ids.length; i++) {
                    positions.add(Logprobs.of(all, i * logits.length, logits.length, vocabulary, ids[i + 1],
                            Math.max(0, request.topLogprobs())));
                }
            }
            Variable last = tape.constant(hidden.value().rows(ids.length - 1, 1));
            model.backend().read(model.logits(last).value().storage(), logits, 0, logits.length);
        }
        return positions;
    }

    /** Accepts no more sequences, ends those that run and wait as {@link Generation.End#STOPPED}, and waits for that. */
    @Override
    public void close() {
        synchronized (waiting) {
            closed = true;
            waiting.notifyAll();
        }
        boolean interrupted = false;
        while (thread.isAlive()) {
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
