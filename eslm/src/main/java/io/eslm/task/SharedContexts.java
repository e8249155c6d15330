// SPDX-License-Identifier: Apache-2.0
package io.eslm.task;

import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.PagedModel;
import io.eslm.tensor.backend.FlopCounter.Phase;
import io.eslm.tensor.backend.Kernels;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.LongConsumer;

/**
 * Computes the beginning that sequences have in common once: its keys and values lie in pages that all of them read. Many sequences share
 * a pass, whatever their lengths. A figure has the same bits whatever is computed beside it.
 */
final class SharedContexts implements Scorer {
    private static final int PAGE = 16;
    /** Positions of a pass, at most; more make no product faster. */
    private static final int MOST_ROWS = 1024;
    /** Tokens whose logits are computed together. */
    private static final int LOGIT_ROWS = 64;

    private final Gpt2 gpt2;
    private final PagedModel model;
    private final int rows;
    private final int pages;
    /** Null unless asked for. */
    private final float[] logits;

    private int nextPage;
    private final List<Chunk> pass = new ArrayList<>();
    private final Partial[] picked = new Partial[LOGIT_ROWS];
    private final int[] targets = new int[LOGIT_ROWS];
    private final float[] losses = new float[LOGIT_ROWS];
    private final float[] logSums = new float[LOGIT_ROWS];

    /** A sequence, and what is known of its answer so far. */
    private static final class Partial {
        final Sequence sequence;
        double logLikelihood;
        boolean greedy = true;

        Partial(Sequence sequence) {
            this.sequence = sequence;
        }
    }

    /** Positions from {@code from} to {@code to} of each of {@code of}, in the rows of a pass from {@code row} on. */
    private record Chunk(List<Partial> of, int from, int to, int row) {
    }

    /** Sequences and the length of their common beginning. */
    private record Group(List<Partial> of, int shared) {
        /** With one more, which may have less in common. */
        Group with(Partial more) {
            List<Partial> all = new ArrayList<>(of);
            all.add(more);
            int first = of.size() == 1 ? Integer.MAX_VALUE : shared;
            return new Group(all, Math.min(first, common(of.getFirst().sequence, more.sequence)));
        }

        private static int common(Sequence a, Sequence b) {
            int differs = Arrays.mismatch(a.ids(), 0, a.inputs(), b.ids(), 0, b.inputs());
            return differs < 0 ? a.inputs() : differs;
        }

        int pages() {
            return pagesOf(shared) + of.stream().mapToInt(p -> pagesOf(p.sequence.inputs()) - shared / PAGE).sum();
        }
    }

    /**
     * @param batchSize how many windows of block_size tokens a pass is as large as, at most
     * @param greedy whether to find out {@link Answer#greedy}
     */
    SharedContexts(Gpt2 gpt2, int batchSize, boolean greedy) {
        this.gpt2 = gpt2;
        int block = gpt2.config().blockSize();
        rows = (int) Math.min(MOST_ROWS, (long) batchSize * block);
        pages = pagesOf(Math.max(2 * rows, block));
        model = new PagedModel(gpt2, pages, PAGE, rows, LOGIT_ROWS);
        logits = greedy ? new float[LOGIT_ROWS * gpt2.config().vocabSize()] : null;
    }

    private static int pagesOf(int positions) {
        return (positions + PAGE - 1) / PAGE;
    }

    @Override
    public Answer[] score(List<List<Sequence>> groups, LongConsumer done) {
        List<Partial> all = new ArrayList<>();
        List<Group> batch = new ArrayList<>();
        int used = 0;
        for (List<Sequence> sequences : groups) {
            List<Partial> some = sequences.stream().map(Partial::new).toList();
            all.addAll(some);
            for (Group group : fitting(some)) {
                if (used + group.pages() > pages) {
                    run(batch, done);
                    batch.clear();
                    used = 0;
                }
                batch.add(group);
                used += group.pages();
            }
        }
        run(batch, done);
        return all.stream().map(p -> new Answer(p.logLikelihood, p.greedy && logits != null)).toArray(Answer[]::new);
    }

    /** One group, or more where the pages do not suffice. */
    private List<Group> fitting(List<Partial> some) {
        List<Group> groups = new ArrayList<>();
        Group open = null;
        for (Partial p : some) {
            Group more = open == null ? null : open.with(p);
            if (more == null || more.pages() > pages) {
                if (open != null) {
                    groups.add(open);
                }
                more = new Group(List.of(p), 0);
            }
            open = more;
        }
        if (open != null) {
            groups.add(open);
        }
        return groups;
    }

    private void run(List<Group> batch, LongConsumer done) {
        if (!batch.isEmpty()) {
            gpt2.backend().flops().run(Phase.EVALUATION, () -> compute(batch));
            done.accept(batch.stream().flatMap(g -> g.of.stream()).mapToLong(p -> p.sequence.inputs()).sum());
        }
    }

    /** First all beginnings, then what follows them. */
    private void compute(List<Group> batch) {
        nextPage = 0;
        List<int[]> beginnings = new ArrayList<>();
        for (Group group : batch) {
            int[] own = new int[pagesOf(group.shared)];
            Arrays.setAll(own, _ -> nextPage++);
            beginnings.add(own);
            add(group.of, 0, group.shared, own);
        }
        forward();
        for (int g = 0; g < batch.size(); g++) {
            Group group = batch.get(g);
            for (Partial p : group.of) {
                add(List.of(p), group.shared, p.sequence.inputs(),
                        after(beginnings.get(g), group.shared, p.sequence.inputs()));
            }
        }
        forward();
    }

    /** Pages of a sequence: the whole ones of its beginning, and own ones, the first with a copy of the beginning's end. */
    private int[] after(int[] beginning, int shared, int inputs) {
        int[] own = Arrays.copyOf(beginning, pagesOf(inputs));
        for (int i = shared / PAGE; i < own.length; i++) {
            own[i] = nextPage++;
        }
        if (shared % PAGE != 0 && inputs > shared) {
            model.copyPage(beginning[shared / PAGE], own[shared / PAGE]);
        }
        return own;
    }

    /** Adds positions that all of {@code of} share to the pass, and computes it where it is full. */
    private void add(List<Partial> of, int from, int to, int[] own) {
        for (int at = from; at < to;) {
            int n = Math.min(to - at, rows - model.rows());
            int row = model.add(of.getFirst().sequence.ids(), at, n, at, Kernels.MANY, own);
            pass.add(new Chunk(of, at, at + n, row));
            at += n;
            if (model.rows() == rows) {
                forward();
            }
        }
    }

    private void forward() {
        model.forward();
        for (Chunk chunk : pass) {
            for (Partial p : chunk.of) {
                Sequence s = p.sequence;
                int end = Math.min(chunk.to, s.inputs());
                for (int i = Math.max(chunk.from, s.inputs() - s.scored()); i < end; i++) {
                    pick(p, chunk.row + i - chunk.from, s.ids()[i + 1]);
                }
            }
        }
        look();
        pass.clear();
        model.clear();
    }

    private void pick(Partial of, int row, int target) {
        picked[model.picks()] = of;
        targets[model.picks()] = target;
        model.pick(row);
        if (model.picks() == LOGIT_ROWS) {
            look();
        }
    }

    /** Adds what the logits of the picked rows say about their targets. */
    private void look() {
        int n = model.picks();
        if (n == 0) {
            return;
        }
        model.logits(Kernels.MANY);
        model.losses(targets, losses, logSums);
        int vocabulary = gpt2.config().vocabSize();
        if (logits != null) {
            model.read(logits, n);
        }
        for (int i = 0; i < n; i++) {
            picked[i].logLikelihood -= losses[i];
            picked[i].greedy &= logits != null && Scorer.best(logits, i * vocabulary, vocabulary) == targets[i];
        }
        model.clearPicks();
    }
}
