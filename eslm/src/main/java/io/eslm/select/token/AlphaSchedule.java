// SPDX-License-Identifier: Apache-2.0
package io.eslm.select.token;

import io.eslm.gpt2.option.Option;
import io.eslm.gpt2.option.OptionValues;
import java.math.BigDecimal;

/**
 * A confidence level over a run, linear in the steps. Dropping tokens costs little early, where the gradient is large compared
 * with its noise, and most at the end; so a level may fall to 0 by then.
 *
 * @param from α at the first step
 * @param to α at the last step; equal to {@code from} for a constant level
 */
public record AlphaSchedule(double from, double to) {
    /** α of the last step. */
    public static final Option<Double> ALPHA_END = ValueAtRisk.level("alpha end",
            "confidence level at the last step; alpha moves there in equal steps").defaultsTo("alpha", _ -> null);
    /** 1 − α: the share to keep. */
    public static final Option<Double> KEEP_RATIO =
            share("keep ratio", "share of the tokens of a micro-batch that is kept").defaultsTo(0.7);
    /** The share to keep in the last step. */
    public static final Option<Double> KEEP_RATIO_END = share("keep ratio end",
            "share that is kept at the last step; the share moves there in equal steps")
            .defaultsTo("keep ratio", _ -> null);

    public AlphaSchedule {
        ValueAtRisk.checkAlpha(from);
        ValueAtRisk.checkAlpha(to);
    }

    /** The same level in every step. */
    public static AlphaSchedule constant(double alpha) {
        return new AlphaSchedule(alpha, alpha);
    }

    /** From {@link ValueAtRisk#ALPHA} and {@link #ALPHA_END}. */
    public static AlphaSchedule of(OptionValues values) {
        double from = values.get(ValueAtRisk.ALPHA);
        return new AlphaSchedule(from, values.find(ALPHA_END).orElse(from));
    }

    /** From {@link #KEEP_RATIO} and {@link #KEEP_RATIO_END}. */
    public static AlphaSchedule ofKept(OptionValues values) {
        double from = values.get(KEEP_RATIO);
        return new AlphaSchedule(dropping(from), dropping(values.find(KEEP_RATIO_END).orElse(from)));
    }

    /** 1 − kept, computed in decimals, so that 0.7 gives 0.3. */
    private static double dropping(double kept) {
        return BigDecimal.ONE.subtract(BigDecimal.valueOf(kept)).doubleValue();
    }

    /** An option whose value is a share of at least a thousandth. */
    static Option<Double> share(String name, String help) {
        return Option.number(name, "R", help).must("be from 0.001 to 1", r -> r >= 0.001 && r <= 1);
    }

    /** α + (α_end − α)·progress, exact at both ends. */
    public double at(double progress) {
        return progress >= 1 ? to : from + (to - from) * progress;
    }
}
