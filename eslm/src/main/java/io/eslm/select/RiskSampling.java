// SPDX-License-Identifier: Apache-2.0
package io.eslm.select;

import io.eslm.gpt2.train.Selection;
import io.eslm.tensor.Rng;
import java.util.Arrays;

/**
 * Unbiased risk sampling. Token j is kept with probability π_j = min(1, c·S_j), c such that Σ_j π_j = (1−α)·M, and its loss is
 * weighted by the inverse: L = (1/M) Σ_{kept} ℓ_j / π_j. Whatever the risks are, the expected gradient is that of plain language
 * modelling (Horvitz and Thompson 1952).
 *
 * <p>The tokens are drawn systematically: with one u, uniform in [0, 1), j is kept if an integer lies in
 * [π_1 + … + π_{j−1} − u, π_1 + … + π_j − u). Each has its π_j exactly, the number kept varies by less than 1, and the kept ones
 * are spread over the text; independent draws would vary more in number, hence in weight.
 *
 * <p>A risk counts as at least {@code floor} times the mean risk: entropy can be near 0 where the loss, and so the gradient, is
 * not, and 1/π_j would then have no bound. With it, 1/π_j ≤ (1 + floor) / (floor·(1−α)).
 *
 * @param alpha share of tokens to drop, in [0, 1)
 * @param floor in (0, 1]
 */
public record RiskSampling(double alpha, Risk risk, double floor) implements TokenSelector {
    public RiskSampling {
        ValueAtRisk.checkAlpha(alpha);
    }

    @Override
    public Selection select(float[] loss, float[] entropy, Rng rng) {
        if (alpha == 0) {
            return Selection.all(loss.length);
        }
        double[] probability = probabilities(risk.of(loss, entropy));
        int[] rows = new int[loss.length];
        float[] weights = new float[loss.length];
        int kept = 0;
        double upTo = -rng.nextDouble();
        for (int j = 0; j < rows.length; j++) {
            double from = upTo;
            upTo += probability[j];
            if (Math.ceil(from) < Math.ceil(upTo)) {
                rows[kept] = j;
                weights[kept] = (float) (1 / (probability[j] * loss.length));
                kept++;
            }
        }
        return new Selection(Arrays.copyOf(rows, kept), Arrays.copyOf(weights, kept), Double.NaN, alpha);
    }

    /** π (M), of sum (1 − α)·M but 1 at least: a batch without a token has no gradient. All equal where all risks are 0. */
    double[] probabilities(float[] risks) {
        int m = risks.length;
        double mean = 0;
        for (float s : risks) {
            mean += Math.max(0, s) / m;
        }
        double[] raised = new double[m];
        for (int j = 0; j < m; j++) {
            raised[j] = mean == 0 ? 1 : Math.max(risks[j], floor * mean);
        }
        double c = scale(raised, Math.max(1, (1 - alpha) * m));
        for (int j = 0; j < m; j++) {
            raised[j] = Math.min(1, c * raised[j]);
        }
        return raised;
    }

    /** c with Σ min(1, c·s_j) = wanted, exactly: the n largest have 1, the others share what is left in proportion. */
    private static double scale(double[] s, double wanted) {
        double[] sorted = s.clone();
        Arrays.sort(sorted);
        double rest = Arrays.stream(sorted).sum();
        int n = 0;
        while ((wanted - n) * sorted[s.length - 1 - n] > rest) {
            rest -= sorted[s.length - 1 - n];
            n++;
        }
        return (wanted - n) / rest;
    }
}
