// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.generate;

import io.eslm.gpt2.PagedModel;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Kernels;
import java.util.List;

/**
 * Log-probabilities of prompts, many positions of several sequences at once. Those of a page that sequences share are kept with it,
 * so that they are computed once for all.
 */
final class PromptScores {
    private final PagedModel model;
    private final int pageTokens;
    private final int vocabulary;
    private final int ids;
    private final int most;
    private final float[] logits;
    private final Running[] of;
    private final int[] at;
    private final int[] next;
    private final float[] losses;
    private final float[] logSums;
    private int like;

    /** @param logits room for those of {@code most} positions, the most that are computed at once */
    PromptScores(PagedModel model, int pageTokens, int vocabulary, int ids, int most, float[] logits) {
        this.model = model;
        this.pageTokens = pageTokens;
        this.vocabulary = vocabulary;
        this.ids = ids;
        this.most = most;
        this.logits = logits;
        of = new Running[most];
        at = new int[most];
        next = new int[most];
        losses = new float[most];
        logSums = new float[most];
    }

    /** Computes what can be computed now, {@code limit} positions at most. */
    void run(List<Running> running, int limit) {
        int left = limit;
        model.clearPicks();
        for (int i = 0; i < running.size() && left > 0; i++) {
            Running r = running.get(i);
            for (; r.scores() && r.scored < r.done && left > 0; r.scored++) {
                if (!known(r)) {
                    pick(r);
                    left--;
                }
            }
        }
        flush();
    }

    /** Takes what is known of position {@link Running#scored}, if it is. */
    private boolean known(Running r) {
        PagePool.Node node = r.node(r.scored);
        TokenLogprobs known = node == null || node.next == null ? null : node.next[r.scored % pageTokens];
        int top = Math.max(0, r.request.topLogprobs());
        if (known == null || known.id() != r.prompt[r.scored + 1]
                || known.topIds().length < Math.min(top, vocabulary)) {
            return false;
        }
        r.scores[r.scored] = Logprobs.first(known, Math.min(top, vocabulary));
        return true;
    }

    private void pick(Running r) {
        int likeThis = Math.min(r.prompt.length, Kernels.MANY);
        if (model.picks() == most || model.picks() > 0 && like != likeThis) {
            flush();
        }
        like = likeThis;
        of[model.picks()] = r;
        at[model.picks()] = r.scored;
        next[model.picks()] = r.prompt[r.scored + 1];
        model.pickKept(r.scored, r.pages);
    }

    private void flush() {
        int n = model.picks();
        if (n == 0) {
            return;
        }
        model.logits(like);
        model.read(logits, n);
        model.losses(next, losses, logSums);
        for (int i = 0; i < n; i++) {
            set(of[i], at[i], i);
            of[i] = null;
        }
        model.clearPicks();
    }

    private void set(Running r, int position, int i) {
        if (!Float.isFinite(losses[i])) { // and nothing is kept, or the next one with this beginning would find it
            r.error = r.error != null ? r.error : new UserError("the model's output is not finite after token "
                    + position
                    + " of the prompt: the weights are damaged, or training diverged. Use an earlier checkpoint");
            return;
        }
        TokenLogprobs all = Logprobs.of(logits, i * ids, vocabulary, next[i], losses[i], logSums[i],
                r.request.topLogprobs());
        r.scores[position] = all;
        PagePool.Node node = r.node(position);
        if (node != null) {
            node.next = node.next == null ? new TokenLogprobs[pageTokens] : node.next;
            node.next[position % pageTokens] = all;
        }
    }
}
