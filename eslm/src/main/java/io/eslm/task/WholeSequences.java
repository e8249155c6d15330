// SPDX-License-Identifier: Apache-2.0
package io.eslm.task;

import io.eslm.autograd.Tape;
import io.eslm.autograd.Variable;
import io.eslm.autograd.op.Gather;
import io.eslm.gpt2.Gpt2;
import io.eslm.tensor.backend.FlopCounter.Phase;
import io.eslm.tensor.backend.Workspace;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.function.LongConsumer;
import java.util.stream.IntStream;

/**
 * Computes each sequence from its first token on, the longest first, in batches of about equal work: for devices, and for models whose
 * adapters are in training. The head runs on the scored tokens alone.
 */
final class WholeSequences implements Scorer {
    /** Tokens whose logits are looked at together. */
    private static final int LOGIT_ROWS = 64;

    private final Gpt2 model;
    private final Workspace workspace;
    private final int tokens;
    private final boolean greedy;

    /**
     * @param batchSize how many windows of block_size tokens a batch is as large as, at most
     * @param greedy whether to find out {@link Answer#greedy}
     */
    WholeSequences(Gpt2 model, int batchSize, boolean greedy) {
        this.model = model;
        this.workspace = new Workspace(model.backend());
        this.tokens = Math.multiplyExact(batchSize, model.config().blockSize());
        this.greedy = greedy;
    }

    @Override
    public Answer[] score(List<List<Sequence>> groups, LongConsumer done) {
        List<Sequence> sequences = groups.stream().flatMap(List::stream).toList();
        Answer[] answers = new Answer[sequences.size()];
        int[] order = IntStream.range(0, sequences.size()).boxed()
                .sorted(Comparator.comparing(i -> -sequences.get(i).inputs())).mapToInt(i -> i).toArray();
        for (int from = 0; from < order.length;) {
            int time = sequences.get(order[from]).inputs();
            int to = Math.min(order.length, from + Math.max(1, tokens / time));
            int[] some = Arrays.copyOfRange(order, from, to);
            List<Sequence> batch = Arrays.stream(some).mapToObj(sequences::get).toList();
            Answer[] given = model.backend().flops().in(Phase.EVALUATION, () -> batch(batch, time));
            for (int i = 0; i < some.length; i++) {
                answers[some[i]] = given[i];
            }
            done.accept(batch.stream().mapToLong(Sequence::inputs).sum());
            from = to;
        }
        return answers;
    }

    private Answer[] batch(List<Sequence> batch, int time) {
        int[] inputs = new int[batch.size() * time];
        int count = batch.stream().mapToInt(Sequence::scored).sum();
        int[] rows = new int[count];
        int[] targets = new int[count];
        int n = 0;
        for (int b = 0; b < batch.size(); b++) {
            Sequence s = batch.get(b);
            System.arraycopy(s.ids(), 0, inputs, b * time, s.inputs());
            for (int i = s.inputs() - s.scored(); i < s.inputs(); i++) {
                rows[n] = b * time + i;
                targets[n++] = s.ids()[i + 1];
            }
        }
        try (Tape tape = Tape.evaluation(workspace)) {
            Variable all = model.forward(tape, tape.put(inputs, batch.size(), time));
            Variable hidden = tape.apply(new Gather(tape.put(rows, count)), all);
            float[] losses = model.losses(hidden, tape.put(targets, count)).lossValues();
            boolean[] likeliest = greedy ? likeliest(tape, hidden, targets) : new boolean[count];
            return answers(batch, losses, likeliest);
        }
    }

    private static Answer[] answers(List<Sequence> batch, float[] losses, boolean[] likeliest) {
        Answer[] answers = new Answer[batch.size()];
        int n = 0;
        for (int b = 0; b < answers.length; b++) {
            double sum = 0;
            boolean all = true;
            for (int end = n + batch.get(b).scored(); n < end; n++) {
                sum -= losses[n];
                all &= likeliest[n];
            }
            answers[b] = new Answer(sum, all);
        }
        return answers;
    }

    /** Whether each target has the highest logit; the first of equal ones counts. */
    private boolean[] likeliest(Tape tape, Variable hidden, int[] targets) {
        boolean[] likeliest = new boolean[targets.length];
        int vocab = model.config().vocabSize();
        for (int from = 0; from < targets.length; from += LOGIT_ROWS) {
            int[] rows = IntStream.range(from, Math.min(targets.length, from + LOGIT_ROWS)).toArray();
            float[] logits =
                    tape.scoped(() -> model.logits(tape.apply(new Gather(tape.put(rows, rows.length)), hidden)))
                            .value().toFloats();
            for (int i = 0; i < rows.length; i++) {
                likeliest[from + i] = Scorer.best(logits, i * vocab, vocab) == targets[from + i];
            }
        }
        return likeliest;
    }
}
