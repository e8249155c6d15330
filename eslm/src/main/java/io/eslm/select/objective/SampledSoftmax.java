// SPDX-License-Identifier: Apache-2.0
package io.eslm.select.objective;

import io.eslm.autograd.Tape;
import io.eslm.autograd.Variable;
import io.eslm.autograd.op.SampledCrossEntropy;
import io.eslm.gpt2.Gpt2.TokenLosses;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.data.TokenSet;
import io.eslm.gpt2.option.Option;
import io.eslm.gpt2.train.MicroBatch;
import io.eslm.gpt2.train.MicroBatch.Loss;
import io.eslm.gpt2.train.Objective;
import io.eslm.gpt2.train.Selection;
import io.eslm.select.Method;
import io.eslm.tensor.Tensor;
import java.util.List;

/**
 * Sampled softmax (Jean et al. 2015): all tokens are trained on, but the softmax runs over a shortlist, the targets of the
 * micro-batch and some negatives ({@link NegativeSampler}), ℓ̃_j = log Ẑ_j − logit_j[x_j] with Ẑ_j = Σ_u exp(logit_ju) / π_u. Given the
 * targets, E Ẑ_j is the whole softmax's Z_j; so ℓ̃_j is too small on average, by about half the relative variance of Ẑ_j. The last
 * steps train on the whole softmax, which corrects what the bias has left. The log shows ℓ̃ until then.
 *
 * <p>A step costs U/V of the head. Where the head is most of the model, that buys several steps for one.
 */
public final class SampledSoftmax implements Objective {
    /** Number of negatives. */
    static final Option<Integer> NEGATIVES = Option.count("negatives",
            "tokens in the softmax of a micro-batch besides its targets").must("be at least 1", n -> n >= 1)
            .defaultsTo(2048);
    /** When the whole softmax begins. */
    static final Option<Double> FULL_SHARE = Option.number("full share", "R",
            "share of the steps, the last ones, with the whole vocabulary in the softmax")
            .must("be from 0 to 1", r -> r >= 0 && r <= 1).defaultsTo(0.05);
    /** The method. */
    static final Method METHOD = Method.of("sampled-softmax", List.of(NEGATIVES, FULL_SHARE),
            (spec, _) -> new SampledSoftmax(spec.toString(), spec.values().get(NEGATIVES),
                    spec.values().get(FULL_SHARE)))
            .needing((values, model, batch) -> memory(values.get(NEGATIVES), model, (long) batch * model.blockSize()));

    private final String name;
    private final int negatives;
    private final double fullShare;
    private NegativeSampler sampler;
    private TokenSet data;

    private SampledSoftmax(String name, int negatives, double fullShare) {
        this.name = name;
        this.negatives = negatives;
        this.fullShare = fullShare;
    }

    /** Bytes of the logits (M, U), and of the weights and their gradient (U, C), U at most the negatives and M, or V. */
    private static long memory(int negatives, Gpt2Config config, long tokens) {
        return 4 * Math.min(negatives + tokens, config.vocabSize()) * (tokens + 2L * config.nEmbd());
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public void begin(TokenSet train) {
        data = train;
    }

    @Override
    public Loss of(MicroBatch batch) {
        if (fullShare > 0 && batch.progress() >= 1 - fullShare) {
            return batch.over(Selection.all(batch.tokens()), batch.losses());
        }
        if (sampler == null) {
            int vocabulary = batch.model().config().vocabSize();
            sampler = new NegativeSampler(data == null ? new long[vocabulary] : data.counts(vocabulary));
        }
        NegativeSampler.Columns columns = sampler.draw(batch.targets().toInts(), negatives, batch.rng());
        Tape tape = batch.tape();
        int count = columns.ids().length;
        Variable hidden = batch.model().forward(tape, batch.ids());
        Tensor entropy = tape.memory(hidden.value().dtype(), batch.tokens());
        Variable loss = tape.apply(new SampledCrossEntropy(tape.put(columns.ids(), count),
                tape.put(columns.offsets(), count), tape.put(columns.places(), batch.tokens()), entropy), hidden,
                batch.model().head());
        return batch.over(Selection.all(batch.tokens()), new TokenLosses(loss, loss.value().toFloats(), entropy));
    }
}
