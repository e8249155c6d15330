// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.generate;

import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.PagedModel;
import io.eslm.gpt2.generate.Generation.End;
import io.eslm.tensor.UserError;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The sequences that run, and their steps. A step computes one position of each sequence that has its prompt behind it, and some of
 * the prompts of the others, in the order in which they came. One thread.
 */
final class BatchStep {
    /** Positions of prompts in a step, at most: so few that the others do not wait long; and where nobody waits. */
    private static final int CHUNK = 128;
    private static final int ALONE = 512;
    /** Positions whose prompt's log-probabilities are computed at once. */
    private static final int SCORES = 64;
    /** Draws from which on it pays to use all cores. */
    private static final int DRAWS = 4;

    private final int vocabulary;
    private final int endOfText;
    private final int ids;
    private final PagedModel model;
    private final PagePool pool;
    private final PromptScores scores;
    private final List<Running> running = new ArrayList<>();
    private final List<Running> reading = new ArrayList<>();
    private final List<Running> drawing = new ArrayList<>();
    private final Deque<Sampler> samplers = new ArrayDeque<>();
    private final float[] logits;
    private final int[] tokens;
    private final float[] losses;
    private final float[] logSums;
    long promptTokens;
    long cachedTokens;
    long newTokens;

    BatchStep(Gpt2 gpt2, int vocabulary, int endOfText, BatchLimits limits) {
        this.vocabulary = vocabulary;
        this.endOfText = endOfText;
        ids = gpt2.config().vocabSize();
        long bytes = PagedModel.pageBytes(gpt2.config(), limits.pageTokens());
        long pages = Math.min(limits.poolBytes() / bytes,
                Integer.MAX_VALUE / ((long) limits.pageTokens() * gpt2.config().nEmbd()));
        UserError.check(pages > 0, "the pool's %,d bytes are less than one page of keys and values, which takes %,d",
                limits.poolBytes(), bytes);
        int rows = Math.max(limits.maxRunning(), SCORES);
        pool = new PagePool((int) pages);
        model = new PagedModel(gpt2, pool.total(), limits.pageTokens(), limits.maxRunning() + ALONE, rows);
        logits = new float[rows * ids];
        tokens = new int[rows];
        losses = new float[rows];
        logSums = new float[rows];
        scores = new PromptScores(model, limits.pageTokens(), vocabulary, ids, SCORES, logits);
    }

    PagePool pool() {
        return pool;
    }

    int running() {
        return running.size();
    }

    /** Lets a sequence run; false if there are too few pages now. */
    boolean admit(Running r) {
        if (!r.enter()) {
            return false;
        }
        cachedTokens += r.done;
        r.sampler = new Sampler(r.request.sampling(), vocabulary, samplers.pollLast());
        running.add(r);
        return true;
    }

    /** Ends a sequence, running or not. */
    void end(Running r, End end, Throwable error) {
        if (running.remove(r)) {
            r.leave();
            samplers.add(r.sampler);
            r.sampler = null;
        }
        try {
            r.listener.onEnd(end, error);
        } catch (RuntimeException | Error _) {
            // there is nobody left to tell
        }
    }

    /** Ends all that run. */
    void endAll(Throwable error) {
        while (!running.isEmpty()) {
            end(running.getFirst(), End.STOPPED, error);
        }
    }

    /** One step of all that run. */
    void run() {
        endIf(Running::cancelled);
        boolean others = plan();
        model.forward();
        for (Running r : reading) {
            model.keep(r.row, r.count, r.done, r.pages);
            r.done += r.count;
            promptTokens += r.count;
            r.publish();
        }
        scores.run(running, others ? CHUNK : ALONE);
        endIf(r -> r.error != null);
        for (int i = 0; i < running.size(); i++) {
            Running r = running.get(i);
            if (!r.reads() && !r.scores() && r.made == 0 && !heardPrompt(r)) {
                i--;
            }
        }
        draw();
    }

    private interface Condition {
        boolean test(Running r);
    }

    private void endIf(Condition condition) {
        for (int i = running.size() - 1; i >= 0; i--) {
            Running r = running.get(i);
            if (condition.test(r)) {
                end(r, End.STOPPED, r.error);
            }
        }
    }

    /** Chooses the positions of the step; true if new tokens are among them. */
    private boolean plan() {
        model.clear();
        reading.clear();
        for (int i = 0; i < running.size(); i++) {
            Running r = running.get(i);
            if (r.continues()) {
                r.row = model.add(r.last, 0, 1, r.done++, 1, r.pages);
            }
        }
        boolean others = model.rows() > 0;
        int left = others ? CHUNK : ALONE;
        for (int i = 0; i < running.size() && left > 0; i++) {
            Running r = running.get(i);
            if (!r.reads()) {
                continue;
            }
            cachedTokens += r.adopt();
            if (reading.stream().noneMatch(r::waitsFor)) {
                r.count = Math.min(left, r.prompt.length - r.done);
                r.row = model.add(r.prompt, r.done, r.count, r.done, r.prompt.length, r.pages);
                left -= r.count;
                reading.add(r);
            }
        }
        return others;
    }

    /** Tells of the prompt, once; false if the sequence ends there. */
    private boolean heardPrompt(Running r) {
        try {
            if (r.scores != null && !r.told) {
                r.told = true;
                r.listener.onPrompt(List.of(r.scores));
            }
        } catch (RuntimeException | Error e) {
            end(r, End.STOPPED, e);
            return false;
        }
        if (r.maxNewTokens() == 0) {
            end(r, End.LENGTH, null);
            return false;
        }
        return true;
    }

    /** Draws the next token of each sequence whose last position is computed. */
    private void draw() {
        drawing.clear();
        model.clearPicks();
        boolean named = false;
        for (int i = 0; i < running.size(); i++) {
            Running r = running.get(i);
            if (r.reads() || r.scores()) {
                continue;
            }
            if (r.made == 0) {
                model.pickKept(r.prompt.length - 1, r.pages);
            } else {
                model.pick(r.row);
            }
            named |= r.request.topLogprobs() >= 0;
            drawing.add(r);
        }
        int n = drawing.size();
        if (n == 0) {
            return;
        }
        model.logits(1);
        model.read(logits, n);
        if (n < DRAWS) {
            for (int i = 0; i < n; i++) {
                draw(i);
            }
        } else {
            IntStream.range(0, n).parallel().forEach(this::draw);
        }
        if (named) {
            model.losses(tokens, losses, logSums);
        }
        for (int i = 0; i < n; i++) {
            deliver(drawing.get(i), i);
        }
    }

    private void draw(int i) {
        Running r = drawing.get(i);
        try {
            tokens[i] = r.sampler.draw(logits, i * ids);
        } catch (RuntimeException e) {
            r.error = e;
            tokens[i] = 0;
        }
    }

    private void deliver(Running r, int i) {
        int token = tokens[i];
        if (r.error != null) {
            end(r, End.STOPPED, r.error);
            return;
        }
        int top = r.request.topLogprobs();
        TokenLogprobs logprobs = top < 0 ? null
                : Logprobs.of(logits, i * ids, vocabulary, token, losses[i], logSums[i], top);
        try {
            if (token == endOfText) {
                if (logprobs != null) {
                    r.listener.onEndOfText(logprobs);
                }
                end(r, End.END_OF_TEXT, null);
                return;
            }
            newTokens++;
            r.last[0] = token;
            if (!r.listener.onToken(token, logprobs)) {
                end(r, End.STOPPED, null);
            } else if (++r.made == r.maxNewTokens()) {
                end(r, End.LENGTH, null);
            }
        } catch (RuntimeException | Error e) {
            end(r, End.STOPPED, e);
        }
    }
}
