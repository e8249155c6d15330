// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.train;

/** Plain causal language modelling: the mean loss over all tokens. */
public final class MeanObjective implements Objective {
    @Override
    public String name() {
        return "clm";
    }

    @Override
    public MicroBatchLoss of(MicroBatch batch) {
        return TokenRisks.of(batch).over(Selection.all(batch.tokens()));
    }
}
