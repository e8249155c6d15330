// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.train;

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
    public MicroBatchLoss over(Selection selection) {
        Tape tape = batch.tape();
        Variable total = tape.apply(new WeightedSum(selection.rows(tape, loss.length),
                tape.put(selection.weights(batch.share()), selection.kept())), tokenLoss);
        return MicroBatchLoss.of(total, loss, selection);
    }
}
