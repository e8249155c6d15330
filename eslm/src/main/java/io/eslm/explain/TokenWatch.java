// SPDX-License-Identifier: Apache-2.0
package io.eslm.explain;

import io.eslm.autograd.OpContext;
import io.eslm.autograd.Rows;
import io.eslm.autograd.op.HeadCrossEntropy;
import io.eslm.autograd.op.HeadDistillation;
import io.eslm.autograd.op.KeepRows;
import io.eslm.autograd.op.TokenEmbedding;
import io.eslm.gpt2.train.MicroBatch;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.FlopCounter.Phase;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Finds out what became of each token, from the ops alone, so that it holds for every method: the windows that the embedding
 * read are those that had a forward pass, and the rows of the gradient that reaches the final norm are the kept tokens.
 */
final class TokenWatch extends StepWatch {
    private final Backend backend;
    private final Parts parts;
    private final Batch batch;
    private final List<TokenFate> fates = new ArrayList<>();
    /** For each micro-batch, the drawn row of each row of the forward pass. */
    private final List<int[]> drawn = new ArrayList<>();
    private int micro;
    private int[] ids;
    private OpContext head;
    private float[] loss;
    private float[] entropy;
    private float[] reference;
    private float[] weights;
    /** The rows whose losses the head computes, null for all. */
    private int[] headRows;
    /** The rows that a gradient reached, null for all. */
    private int[] kept;
    private MicroBatch.Loss result;

    TokenWatch(Backend backend, Parts parts, Batch batch) {
        this.backend = backend;
        this.parts = parts;
        this.batch = batch;
    }

    @Override
    void begin(int which) {
        finish();
        micro = which;
        ids = null;
        head = null;
        reference = null;
        headRows = null;
        kept = null;
        result = null;
    }

    @Override
    void loss(MicroBatch.Loss of) {
        result = of;
    }

    @Override
    void gradients() {
        finish();
    }

    /** One for each predicted token, in the order drawn. */
    List<TokenFate> fates() {
        return fates;
    }

    /** The index in {@link #fates} of row {@code row} of the forward pass of a micro-batch. */
    int token(int ofMicro, int row) {
        return ofMicro * batch.perMicro() + drawn.get(ofMicro)[row];
    }

    @Override
    public void afterForward(OpContext op) {
        Phase phase = backend.flops().phase();
        if (phase == Phase.SELECTION && op.op() instanceof HeadCrossEntropy) {
            reference = op.output().toFloats();
        } else if (phase == Phase.FORWARD) {
            switch (op.op()) {
                case TokenEmbedding e -> ids = e.ids().toInts();
                case KeepRows k -> headRows = k.rows().indices().toInts();
                case HeadCrossEntropy h -> head(op, op.output().toFloats(), h.entropy().toFloats());
                case HeadDistillation h -> head(op, h.loss().toFloats(), h.entropy().toFloats());
                default -> {
                }
            }
        }
    }

    private void head(OpContext op, float[] losses, float[] entropies) {
        head = op;
        loss = losses;
        entropy = entropies;
    }

    @Override
    public void beforeBackward(OpContext op) {
        if (op == head) {
            weights = op.arrived().toFloats();
        } else
            if (op.inputCount() > 1 && parts.path(op.input(1)) != null
                    && parts.path(op.input(1)).equals("finalNorm.weight")) {
                        Rows rows = op.arrivedRows();
                        kept = rows == null ? null : rows.indices().toInts();
                    }
    }

    /** Makes the fates of the micro-batch that is done. */
    private void finish() {
        if (result == null || ids == null) {
            return;
        }
        int n = ids.length;
        int[] rows = match(batch.inputs().get(micro), ids, batch.time());
        drawn.add(rows);
        double[] weight = new double[n];
        int[] some = kept == null ? IntStream.range(0, n).toArray() : kept;
        for (int k = 0; k < some.length; k++) {
            weight[some[k]] = head == null ? 1.0 / some.length : weights[weights.length == n ? some[k] : k];
        }
        float[] lossOf = spread(head == null ? new float[0] : loss, n);
        float[] entropyOf = spread(head == null ? new float[0] : entropy, n);
        Why why = new Why(result, lossOf, entropyOf, reference, weight);
        TokenFate[] all = new TokenFate[batch.perMicro()];
        for (int row = 0; row < n; row++) {
            TokenFate.End end = weight[row] != 0 ? TokenFate.End.KEPT
                    : headRows != null ? TokenFate.End.HEAD : TokenFate.End.LOSS;
            all[rows[row]] = fate(rows[row], lossOf[row], entropyOf[row], end, weight[row], why.of(row));
        }
        for (int i = 0; i < all.length; i++) {
            fates.add(all[i] != null ? all[i] : fate(i, Float.NaN, Float.NaN, TokenFate.End.WINDOW, 0, Why.WINDOW));
        }
    }

    private TokenFate fate(int i, double itsLoss, double itsEntropy, TokenFate.End end, double weight, String why) {
        return new TokenFate(micro, i / batch.time(), i % batch.time(), batch.inputs().get(micro)[i],
                batch.targets().get(micro)[i], itsLoss, itsEntropy, end, weight, why);
    }

    /** {@code values} of {@link #headRows} in their places among {@code n}, NaN in the others. */
    private float[] spread(float[] values, int n) {
        if (values.length == n && headRows == null) {
            return values;
        }
        float[] all = new float[n];
        Arrays.fill(all, Float.NaN);
        for (int k = 0; headRows != null && k < values.length; k++) {
            all[headRows[k]] = values[k];
        }
        return all;
    }

    /** The drawn row of each row of {@code forward}, whose windows are some of the drawn ones, in their order. */
    static int[] match(int[] all, int[] forward, int time) {
        int[] rows = new int[forward.length];
        int from = 0;
        for (int at = 0; at < forward.length; at += time) {
            while (!Arrays.equals(all, from, from + time, forward, at, at + time)) {
                from += time;
            }
            for (int t = 0; t < time; t++) {
                rows[at + t] = from + t;
            }
            from += time;
        }
        return rows;
    }
}
