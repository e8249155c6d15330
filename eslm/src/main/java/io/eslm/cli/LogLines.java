// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import io.eslm.gpt2.train.Evaluation;
import io.eslm.gpt2.train.Flops;
import io.eslm.gpt2.train.TrainEvent;
import java.util.Locale;
import java.util.StringJoiner;

/** Formats the lines of a training log. */
final class LogLines {
    private LogLines() {
    }

    /** One optimizer step. */
    static String step(TrainEvent.Step s, int maxIters) {
        return String.format(Locale.ROOT,
                "step %" + String.valueOf(maxIters).length()
                        + "d/%d  loss %.4f  kept %.4f (%.1f %%)  α %.3f  VaR %s  lr %.2e  "
                        + "grad %.3f  %.0f ms  %,.0f tokens/s  MFU %s",
                s.step(), maxIters, s.loss(), s.keptLoss(), 100 * s.keptFraction(), s.alpha(),
                known(s.valueAtRisk(), "%.4f"),
                s.learningRate(), s.gradNorm(), s.seconds() * 1e3, s.tokensPerSecond(),
                mfu(s, "%.1f %%"));
    }

    /** Like {@link #step}, as short as possible, for the end of a bar that shows the step. */
    static String compact(TrainEvent.Step s) {
        return String.format(Locale.ROOT,
                "loss %.3f kept %.3f %.0f%% α %.2f VaR %s lr %.1e grad %.2f %.0fms %,.0ft/s MFU %s",
                s.loss(), s.keptLoss(), 100 * s.keptFraction(), s.alpha(), known(s.valueAtRisk(), "%.3f"),
                s.learningRate(),
                s.gradNorm(), s.seconds() * 1e3, s.tokensPerSecond(), mfu(s, "%.0f%%"));
    }

    /** One evaluation. */
    static String evaluated(TrainEvent.Evaluated e) {
        String worst = e.result().worstDomain();
        return String.format(Locale.ROOT, "step %d: validation loss %.4f, perplexity %.2f%s%s", e.step(),
                e.result().loss(), e.result().perplexity(), bitsPerByte(e.result()),
                e.result().domains().size() < 2 ? ""
                        : String.format(Locale.ROOT, "; worst domain %s %.4f", worst, e.result().domains().get(worst)));
    }

    /** ", 1.234 bits per byte", if the tokenizer is known. */
    static String bitsPerByte(Evaluation.Result result) {
        return result.bitsPerByte().isEmpty() ? ""
                : String.format(Locale.ROOT, ", %.4f bits per byte", result.bitsPerByte().getAsDouble());
    }

    /** "4 min 12 s". */
    static String duration(double seconds) {
        long s = Math.round(seconds);
        return s < 60 ? String.format(Locale.ROOT, "%.1f s", seconds)
                : s < 3600 ? s / 60 + " min " + s % 60 + " s" : s / 3600 + " h " + s % 3600 / 60 + " min";
    }

    /** "12.3 TFLOP (forward 4.1, backward 8.2)", without phases that took nothing. */
    static String flops(Flops flops) {
        StringJoiner parts = new StringJoiner(", ", " (", ")");
        part(parts, "forward", flops.forward());
        part(parts, "backward", flops.backward());
        part(parts, "selection", flops.selection());
        part(parts, "early exit", flops.earlyExit());
        return String.format(Locale.ROOT, "%.3g TFLOP%s", flops.total() * 1e-12, parts);
    }

    private static void part(StringJoiner parts, String name, long flops) {
        if (flops > 0) {
            parts.add(String.format(Locale.ROOT, "%s %.3g", name, flops * 1e-12));
        }
    }

    private static String mfu(TrainEvent.Step s, String format) {
        return Double.isFinite(s.mfu()) ? String.format(Locale.ROOT, format, 100 * s.mfu()) : "?";
    }

    private static String known(double value, String format) {
        return Double.isFinite(value) ? String.format(Locale.ROOT, format, value) : "–";
    }
}
