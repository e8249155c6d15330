// SPDX-License-Identifier: Apache-2.0
package io.eslm.select.token;

import io.eslm.gpt2.option.Option;
import io.eslm.gpt2.train.Selection;
import io.eslm.tensor.Rng;
import java.util.Arrays;
import java.util.List;

/**
 * Unbiased risk sampling. Token j is kept with probability π_j = min(1, c·S_j), c such that Σ_j π_j = (1−α)·M, and its loss is
 * weighted by the inverse: L = (1/M) Σ_{kept} ℓ_j / π_j. For any risks, the expected gradient is that of plain language
 * modelling (Horvitz and Thompson 1952).
 *
 * <p>The draw is systematic: with one u, uniform in [0, 1), j is kept if an integer lies in
 * [π_1 + … + π_{j−1} − u, π_1 + … + π_j − u). Each token has exactly its π_j, the number kept varies by less than 1, and the
 * kept tokens are spread over the text. With independent draws the number, and so the weights, would vary more.
 *
 * <p>A risk counts as at least {@code floor} times the mean risk. Entropy can be near 0 while the loss, and so the gradient, is
 * not; without a floor 1/π_j would have no bound. With it, 1/π_j ≤ (1 + floor) / (floor·(1−α)).
 *
 * @param alpha share of tokens to drop, in [0, 1)
 * @param floor in (0, 1]
 */
public record RiskSampling(double alpha, Risk risk, double floor) implements TokenSelector {
    /** The floor. */
    public static final Option<Double> FLOOR = AlphaSchedule.share("risk floor",
            "a token's risk counts as at least this share of the mean risk").defaultsTo(0.1);
    /** The options of methods that sample. The best probabilities are proportional to the norm of a token's gradient. */
    public static final List<Option<?>> OPTIONS = List.of(AlphaSchedule.KEEP_RATIO, AlphaSchedule.KEEP_RATIO_END,
            Risk.OPTION.defaultsTo(Risk.GRADIENT), FLOOR);

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

    /** π (M), of sum (1 − α)·M, but at least 1, so that no batch is without a gradient. All equal if all risks are 0. */
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

    /** c with Σ min(1, c·s_j) = wanted, exactly: the n largest have 1, the others share the rest in proportion. */
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
