// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import io.eslm.gpt2.train.TrainOptions;
import io.eslm.select.MethodSpec;
import io.eslm.tensor.UserError;
import java.util.ArrayList;
import java.util.List;

/**
 * A method in a comparison, and the steps that it trains where they are not everybody's: what costs less a step may take more of
 * them. As text a method's specification in which one more key, {@value #KEY}, may stand.
 *
 * @param ownIters optimizer steps of this method alone; null for those of the comparison
 */
record ComparisonEntry(MethodSpec method, Integer ownIters) {
    private static final String KEY = "max-iters";

    /** @throws UserError as {@link MethodSpec#parse}, or if the steps are not a number of at least 1 */
    static ComparisonEntry parse(String text) {
        int colon = text.indexOf(':');
        if (colon < 0) {
            return new ComparisonEntry(MethodSpec.parse(text), null);
        }
        List<String> settings = new ArrayList<>();
        Integer iters = null;
        for (String pair : text.substring(colon + 1).split(",")) {
            if (pair.startsWith(KEY + "=")) {
                if (iters != null) {
                    throw new UserError("--methods " + text + ": '" + KEY + "' stands there twice");
                }
                iters = count(text, pair.substring(KEY.length() + 1));
            } else {
                settings.add(pair);
            }
        }
        String name = text.substring(0, colon);
        return new ComparisonEntry(
                MethodSpec.parse(settings.isEmpty() ? name : name + ":" + String.join(",", settings)),
                iters);
    }

    private static int count(String text, String value) {
        try {
            int count = Integer.parseInt(value);
            if (count >= 1) {
                return count;
            }
        } catch (NumberFormatException e) {
            // said below
        }
        throw new UserError("--methods " + text + ": " + KEY + " " + value + ": must be a whole number of at least 1");
    }

    /** How it trains, in a comparison that was given {@code steps}. */
    TrainOptions options(StepOptions steps) {
        return steps.fresh(ownIters);
    }

    /** Fit for a file name. */
    String label() {
        return method.label() + (ownIters == null ? "" : "-" + KEY + "-" + ownIters);
    }

    /** All settings, in the form that {@link #parse} reads. */
    @Override
    public String toString() {
        String text = method.toString();
        return ownIters == null ? text : text + (text.contains(":") ? "," : ":") + KEY + "=" + ownIters;
    }
}
