// SPDX-License-Identifier: Apache-2.0
package io.eslm.select.objective;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.autograd.Tape;
import io.eslm.autograd.Variable;
import io.eslm.gpt2.train.MicroBatch;
import io.eslm.gpt2.train.Objective;
import io.eslm.select.ObjectiveRun;
import io.eslm.tensor.Rng;
import io.eslm.tensor.backend.Workspace;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Sampling leaves the expected gradient unchanged. */
class UnbiasedSamplingTest {
    @ParameterizedTest
    @ValueSource(strings = {"risk-sampling:keep-ratio=1", "shortlist-sampling:keep-ratio=1",
        "sampled-softmax:full-share=1"})
    void keepingAllIsLanguageModelling(String method) {
        try (ObjectiveRun run = new ObjectiveRun(0.1)) {
            run.run(new Objective.Mean()).assertSameBits(run.run(ObjectiveRun.method(method)));
        }
    }

    /** All tokens as negatives, in another order: sums of some tens differ in the last digits of single precision. */
    @Test
    void aSoftmaxOverAllIsLanguageModelling() {
        try (ObjectiveRun run = new ObjectiveRun(0)) {
            ObjectiveRun.Outcome whole = run.run(new Objective.Mean());
            ObjectiveRun.Outcome sampled =
                    run.run(ObjectiveRun.method("sampled-softmax:negatives=100000,full-share=0"));
            assertEquals(whole.step().lossSum(), sampled.step().lossSum(), 1e-6 * whole.step().lossSum());
            whole.gradients().forEach((name, g) -> {
                float[] other = sampled.gradients().get(name);
                for (int i = 0; i < g.length; i++) {
                    assertEquals(g[i], other[i], 1e-6 * Math.max(1e-3, ObjectiveRun.Outcome.largest(g)),
                            name + " " + i);
                }
            });
        }
    }

    /** Fewer negatives: no token's loss is known, but a mean over many draws is near, and below, as the logarithm bends. */
    @Test
    void aSampledLossIsALittleTooSmallOnAverage() {
        try (ObjectiveRun run = new ObjectiveRun(0)) {
            double whole = run.run(new Objective.Mean()).step().lossSum();
            double sum = 0;
            int draws = 400;
            for (int d = 0; d < draws; d++) {
                sum += run.run(ObjectiveRun.method("sampled-softmax:negatives=4,full-share=0"), Rng.of(d)).step()
                        .lossSum();
            }
            double mean = sum / draws;
            assertTrue(mean < whole && mean > 0.97 * whole, mean + " of " + whole);
        }
    }

    /**
     * The mean gradient over many draws is that of plain language modelling: every entry within 5 standard errors, which come
     * from the draws themselves and are some hundred times the rounding of single precision; 2⁻²⁰ of the largest entry is added
     * for entries that no draw changes.
     */
    @ParameterizedTest
    @ValueSource(strings = {"risk-sampling:keep-ratio=0.5,risk=loss", "risk-sampling:keep-ratio=0.3,risk=entropy",
        "risk-sampling:keep-ratio=0.4", "random:alpha=0.5", "shortlist-sampling:keep-ratio=0.5,risk=loss",
        "shortlist-sampling:keep-ratio=0.3"})
    void theExpectedGradientIsLanguageModellings(String method) {
        int draws = 800;
        try (ObjectiveRun run = new ObjectiveRun(0)) {
            ObjectiveRun.Outcome whole = run.run(new Objective.Mean());
            Map<String, double[]> sum = new TreeMap<>();
            Map<String, double[]> squares = new TreeMap<>();
            for (int d = 0; d < draws; d++) {
                ObjectiveRun.Outcome one = run.run(ObjectiveRun.method(method), Rng.of(d));
                assertTrue(one.step().kept() < ObjectiveRun.M);
                one.gradients().forEach((name, g) -> {
                    double[] s = sum.computeIfAbsent(name, _ -> new double[g.length]);
                    double[] q = squares.computeIfAbsent(name, _ -> new double[g.length]);
                    for (int i = 0; i < g.length; i++) {
                        s[i] += g[i];
                        q[i] += (double) g[i] * g[i];
                    }
                });
            }
            whole.gradients().forEach((name, g) -> {
                double floor = 0x1p-20 * ObjectiveRun.Outcome.largest(g);
                for (int i = 0; i < g.length; i++) {
                    double mean = sum.get(name)[i] / draws;
                    double variance = Math.max(0, squares.get(name)[i] / draws - mean * mean);
                    assertEquals(g[i], mean, floor + 5 * Math.sqrt(variance / draws), name + " " + i);
                }
            });
        }
    }

    /** Against logits of all ids, in double: the softmax over the batch's targets alone, and so never above the whole loss. */
    @Test
    void aShortlistIsTheBatchsTargets() {
        try (ObjectiveRun run = new ObjectiveRun(0); Tape tape = Tape.evaluation(new Workspace(run.backend))) {
            MicroBatch batch = run.batch(tape, Rng.of(4));
            Variable hidden = run.model.forward(tape, batch.ids());
            float[] logits = run.model.logits(hidden).value().toFloats();
            float[] whole = run.model.losses(hidden, batch.targets()).lossValues();
            Shortlist.Estimate estimate = Shortlist.estimate(batch, hidden.value());
            int[] shortlist = Arrays.stream(run.targets).distinct().toArray();
            assertTrue(shortlist.length < ObjectiveRun.VOCABULARY, "some ids are no targets");
            for (int j = 0; j < ObjectiveRun.M; j++) {
                int row = j * ObjectiveRun.VOCABULARY;
                double sum = 0;
                double product = 0;
                for (int v : shortlist) {
                    double e = Math.exp(logits[row + v]);
                    sum += e;
                    product += e * logits[row + v];
                }
                // Single precision: logits of some units, sums of some tens.
                assertEquals(Math.log(sum) - logits[row + run.targets[j]], estimate.loss()[j], 1e-5, "token " + j);
                assertEquals(Math.log(sum) - product / sum, estimate.entropy()[j], 1e-5, "token " + j);
                assertTrue(estimate.loss()[j] < whole[j], "token " + j);
            }
        }
    }
}
