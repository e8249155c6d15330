// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.generate;

import io.eslm.tensor.backend.Kernels;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** A sequence that waits or runs: its pages, and how far it is. All but {@link #cancel} is the engine's thread's. */
final class Running implements Sequence {
    final Request request;
    final Listener listener;
    final int[] prompt;
    private final PagePool pool;
    private final int pageTokens;
    /** One for each page's worth of positions, from {@link #enter} on. */
    final int[] pages;
    /** The pages that are shared: the first ones. */
    private final List<PagePool.Node> shared = new ArrayList<>();
    private boolean entered;
    /** Positions whose keys and values are computed. */
    int done;
    /** Positions whose next token has its log-probability. */
    int scored;
    final TokenLogprobs[] scores;
    /** Tokens that were drawn; the last one, in an array to be added to a pass. */
    int made;
    final int[] last = new int[1];
    /** Rows of the step's pass that are its own: the first, and how many of a prompt. */
    int row;
    int count;
    boolean told;
    Sampler sampler;
    Throwable error;
    private volatile boolean cancelled;

    Running(Request request, Listener listener, int[] prompt, PagePool pool, int pageTokens) {
        this.request = request;
        this.listener = listener;
        this.prompt = prompt;
        this.pool = pool;
        this.pageTokens = pageTokens;
        pages = new int[pages(prompt.length, request.sampling().maxNewTokens(), pageTokens)];
        scores = request.promptLogprobs() ? new TokenLogprobs[prompt.length - 1] : null;
    }

    /** Pages of a sequence: the last new token needs no place. */
    static int pages(int prompt, int fresh, int pageTokens) {
        return (prompt + Math.max(0, fresh - 1) + pageTokens - 1) / pageTokens;
    }

    @Override
    public void cancel() {
        cancelled = true;
    }

    boolean cancelled() {
        return cancelled;
    }

    int maxNewTokens() {
        return request.sampling().maxNewTokens();
    }

    /** True if it reads its prompt still. */
    boolean reads() {
        return done < prompt.length;
    }

    /** True if log-probabilities of its prompt are still to come. */
    boolean scores() {
        return scores != null && scored < scores.length;
    }

    /** True if only a new token's position is to be computed next. */
    boolean continues() {
        return made > 0;
    }

    /** Takes all pages that it will need, the beginning from others; false if there are too few. */
    boolean enter() {
        adopt();
        int own = pages.length - shared.size();
        if (own > pool.unused()) {
            leave();
            return false;
        }
        for (int i = shared.size(); i < pages.length; i++) {
            pages[i] = pool.take();
        }
        entered = true;
        return true;
    }

    /**
     * Goes on with the pages that others have computed of the same prompt, if it stands at the beginning of one. The last token of the
     * prompt is always computed.
     *
     * @return positions that need not be computed
     */
    int adopt() {
        int before = done;
        while (shares() && done == shared.size() * pageTokens && done + pageTokens < prompt.length) {
            PagePool.Node node = pool.find(end(), prompt, done, done + pageTokens);
            if (node == null) {
                break;
            }
            pool.use(node);
            if (entered) {
                pool.give(pages[shared.size()]);
            }
            pages[shared.size()] = node.page;
            shared.add(node);
            done += pageTokens;
        }
        return done - before;
    }

    /** Whether its pages are like those of others: the bits of very short prompts are not. */
    private boolean shares() {
        return prompt.length >= Kernels.MANY;
    }

    private PagePool.Node end() {
        return shared.isEmpty() ? pool.root() : shared.getLast();
    }

    /** Lets others use the pages that its prompt fills by now. */
    void publish() {
        while (shares() && (shared.size() + 1) * pageTokens <= Math.min(done, prompt.length)) {
            int from = shared.size() * pageTokens;
            if (pool.find(end(), prompt, from, from + pageTokens) != null) {
                return; // full at last with what another had computed
            }
            shared.add(pool.publish(end(), prompt, from, from + pageTokens, pages[shared.size()]));
        }
    }

    /** True if {@code other} is computing the page that this one computes next. */
    boolean waitsFor(Running other) {
        int to = done + pageTokens;
        return shares() && other.shares() && done == shared.size() * pageTokens && to < prompt.length
                && other.done <= done && other.prompt.length >= to
                && Arrays.equals(prompt, 0, to, other.prompt, 0, to);
    }

    /** The shared page of a position of the prompt; null if it is its own. */
    PagePool.Node node(int position) {
        int i = position / pageTokens;
        return i < shared.size() ? shared.get(i) : null;
    }

    /** Gives back all pages. */
    void leave() {
        for (int i = pages.length - 1; i >= shared.size() && entered; i--) {
            pool.give(pages[i]);
        }
        while (!shared.isEmpty()) {
            pool.leave(shared.removeLast());
        }
        entered = false;
        done = 0;
    }
}
