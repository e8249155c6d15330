// SPDX-License-Identifier: Apache-2.0
package io.eslm.explain;

import io.eslm.autograd.OpContext;
import io.eslm.autograd.Rows;
import io.eslm.autograd.op.Affine;
import io.eslm.autograd.op.HeadCrossEntropy;
import io.eslm.autograd.op.HeadDistillation;
import io.eslm.autograd.op.KeepRows;
import io.eslm.autograd.op.LayerNorm;
import io.eslm.autograd.op.TokenEmbedding;
import io.eslm.tensor.Shape;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.Storage;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Takes one row of a parameter's gradient apart while the backward pass runs. A parameter's gradient is a sum of outer products,
 * one for each row of each op that reads it: row n of dw = xᵀ·du is Σ_m x[m,n]·du[m,:]. So one backward pass gives every token's
 * part exactly; a backward pass for each token would cost as many passes, and would not tell in which op the token counts.
 */
final class RowWatch extends StepWatch {
    private record Found(int micro, int rowOfForward, int op, double[] vector) {
    }

    private final RowQuery query;
    private final OpWatch ops;
    private final Tensor value;
    private final List<Found> found = new ArrayList<>();
    private int micro;
    /** Where the head reads some tokens only: their rows of the forward pass. */
    private int[] headRows;
    private float[] gradient;

    RowWatch(RowQuery query, OpWatch ops) {
        this.query = query;
        this.ops = ops;
        this.value = query.parameter().value();
    }

    @Override
    void begin(int which) {
        micro = which;
        headRows = null;
    }

    @Override
    public void afterForward(OpContext op) {
        if (op.op() instanceof KeepRows k) {
            headRows = k.rows().indices().toInts();
        }
    }

    @Override
    public void beforeBackward(OpContext op) {
        for (int i = 0; i < op.inputCount(); i++) {
            if (op.input(i) == value) {
                switch (op.op()) {
                    case TokenEmbedding e -> embedding(op, e, i);
                    case LayerNorm _ -> norm(op, i);
                    case Affine a -> affine(op, a, i);
                    default -> {
                        // the heads: afterBackward
                    }
                }
            }
        }
    }

    /** The heads write the gradient of the logits over them: rows of K × V, one for each kept token. */
    @Override
    public void afterBackward(OpContext op) {
        boolean isHead = op.op() instanceof HeadCrossEntropy || op.op() instanceof HeadDistillation;
        if (!isHead || op.input(1) != value) {
            return;
        }
        int vocabulary = value.dim(0);
        int m = op.input(0).shape().rows();
        Rows rows = op.rows();
        if (op.op() instanceof HeadDistillation && op.savedCount() > 5) {
            rows = new Rows(op.saved(5), m);
        }
        int[] at = indices(rows, m);
        float[] x = op.input(0).toFloats();
        Storage dLogits = op.saved(0).storage();
        float[] one = new float[1];
        for (int k = 0; k < at.length; k++) {
            value.backend().read(value.backend().slice(dLogits, k * vocabulary + query.row(), 1), one, 0, 1);
            add(op, headRows == null ? at[k] : headRows[at[k]], one[0], x, at[k]);
        }
    }

    private void embedding(OpContext op, TokenEmbedding e, int input) {
        int[] ids = e.ids().toInts();
        int time = e.ids().dim(1);
        int[] at = indices(op.arrivedRows(), ids.length);
        float[] dy = op.arrived().toFloats();
        for (int k = 0; k < at.length; k++) {
            if ((input == 0 ? ids[at[k]] : at[k] % time) == query.row()) {
                add(op, at[k], 1, dy, k);
            }
        }
    }

    /** dgamma = Σ_m dy[m]·(x[m] − mean_m)·rstd_m, dbeta = Σ_m dy[m]. */
    private void norm(OpContext op, int input) {
        int cols = op.input(0).dim(-1);
        float[] x = op.input(0).toFloats();
        float[] mean = op.saved(0).toFloats();
        float[] rstd = op.saved(1).toFloats();
        float[] dy = op.arrived().toFloats();
        int[] at = indices(op.arrivedRows(), op.input(0).shape().rows());
        for (int k = 0; k < at.length; k++) {
            double[] vector = new double[cols];
            for (int c = 0; c < cols; c++) {
                double normed = ((double) x[at[k] * cols + c] - mean[at[k]]) * rstd[at[k]];
                vector[c] = dy[k * cols + c] * (input == 1 ? normed : 1);
            }
            found.add(new Found(micro, at[k], ops.index(op), vector));
        }
    }

    /** With du = dy·gelu′(u) or du = dy: row n of dw is Σ_m x[m,n]·du[m], and dbias = Σ_m du[m]. */
    private void affine(OpContext op, Affine affine, int input) {
        int m = op.input(0).shape().rows();
        int n = op.input(0).dim(-1);
        int[] at = indices(op.arrivedRows(), m);
        Tensor dy = op.arrived();
        Tensor du = dy;
        if (affine.gelu()) {
            Tensor u = op.arrivedRows() == null ? op.saved(0) : op.arrivedRows().gather(op, op.saved(0));
            du = Tensor.zeros(dy.backend(), dy.dtype(), dy.shape().dims());
            du.kernels().geluBackward(du.storage(), u.storage(), dy.storage(), dy.size());
        }
        float[] x = op.input(0).toFloats();
        float[] d = du.toFloats();
        for (int k = 0; k < at.length; k++) {
            add(op, at[k], input == 1 ? x[at[k] * n + query.row()] : 1, d, k);
        }
    }

    /** Row {@code from} of {@code rows}, times {@code factor}, unless that is zero. */
    private void add(OpContext op, int token, double factor, float[] rows, int from) {
        int cols = query.parameter().shape().cols();
        if (factor != 0) {
            double[] vector = new double[cols];
            for (int c = 0; c < cols; c++) {
                vector[c] = factor * rows[from * cols + c];
            }
            found.add(new Found(micro, token, ops.index(op), vector));
        }
    }

    private static int[] indices(Rows rows, int total) {
        if (rows != null) {
            return rows.indices().toInts();
        }
        int[] all = new int[total];
        for (int i = 0; i < total; i++) {
            all[i] = i;
        }
        return all;
    }

    @Override
    void gradients() {
        Tensor g = query.parameter().gradient();
        gradient = (g.rank() == 1 ? g : g.rows(query.row(), 1).reshape(Shape.of(g.dim(1)))).toFloats();
    }

    /** What it found, once the step is done. */
    RowGradient result(TokenWatch tokens) {
        double square = 0;
        for (float g : gradient) {
            square += (double) g * g;
        }
        List<RowGradient.Term> terms = new ArrayList<>();
        for (Found f : found) {
            double dot = 0;
            for (int c = 0; c < gradient.length; c++) {
                dot += f.vector[c] * gradient[c];
            }
            terms.add(new RowGradient.Term(tokens.token(f.micro, f.rowOfForward), f.op, f.vector,
                    square == 0 ? 0 : dot / square));
        }
        terms.sort(Comparator.comparingDouble((RowGradient.Term t) -> -Math.abs(t.share())));
        return new RowGradient(query.name(), query.row(), gradient, terms);
    }
}
