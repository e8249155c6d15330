// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.train;

import io.eslm.autograd.Rows;
import io.eslm.autograd.Tape;
import io.eslm.autograd.Variable;
import io.eslm.autograd.op.HeadCrossEntropy;
import io.eslm.autograd.op.WeightedSum;
import io.eslm.tensor.DType;
import io.eslm.tensor.Tensor;

/**
 * Loss and predictive entropy of each token of a micro-batch, in nats, row-major (B·T). The loss can be differentiated over
 * a {@link Selection} of them.
 */
public final class TokenRisks {
    private final MicroBatch batch;
    private final Variable tokenLoss;
    private final float[] loss;
    private final float[] entropy;

    private TokenRisks(MicroBatch batch, Variable tokenLoss, Tensor entropy) {
        this.batch = batch;
        this.tokenLoss = tokenLoss;
        this.loss = tokenLoss.value().toFloats();
        this.entropy = entropy.toFloats();
    }

    /** Runs the model on the micro-batch. */
    public static TokenRisks of(MicroBatch batch) {
        return of(batch, batch.model().forward(batch.tape(), batch.ids()));
    }

    /** The same from given hidden states (M, C) after the final norm. */
    public static TokenRisks of(MicroBatch batch, Variable hidden) {
        Tape tape = batch.tape();
        Tensor entropy = tape.memory(DType.F32, batch.tokens());
        Variable loss = tape.apply(new HeadCrossEntropy(batch.targets(), entropy), hidden, batch.model().head());
        return new TokenRisks(batch, loss, entropy);
    }

    /** −log p(target), (M). */
    public float[] loss() {
        return loss;
    }

    /** −Σ p log p, (M). */
    public float[] entropy() {
        return entropy;
    }

    /** The loss over {@code selection}; all other tokens stay in the context but move no gradient of their own. */
    public StepLoss over(Selection selection) {
        int kept = selection.kept();
        float[] weights = new float[kept];
        double keptSum = 0;
        for (int k = 0; k < kept; k++) {
            weights[k] = (float) (selection.weights()[k] * batch.share());
            keptSum += loss[selection.rows() == null ? k : selection.rows()[k]];
        }
        double sum = 0;
        for (float l : loss) {
            sum += l;
        }
        Tape tape = batch.tape();
        Rows rows = selection.rows() == null ? null : new Rows(tape.put(selection.rows(), kept), loss.length);
        Variable total = tape.apply(new WeightedSum(rows, tape.put(weights, kept)), tokenLoss);
        return new StepLoss(total, loss.length, sum, kept, keptSum, selection.valueAtRisk(), selection.alpha());
    }
}
