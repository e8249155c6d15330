// SPDX-License-Identifier: Apache-2.0
package io.eslm.compare;

import io.eslm.gpt2.option.OptionError;
import io.eslm.gpt2.train.TrainOptions;
import io.eslm.select.MethodSpec;
import io.eslm.select.Methods;
import java.util.ArrayList;
import java.util.List;

/**
 * A method in a comparison. As text a method's specification, which may have one more key, {@code max-iters}: the optimizer steps
 * of this method, so that a method with cheaper steps can take more of them.
 *
 * @param ownIters optimizer steps of this method; null for those of the comparison
 */
public record ComparisonEntry(MethodSpec method, Integer ownIters) {
    private static final String KEY = TrainOptions.MAX_ITERS.key();

    /** @throws OptionError of {@link Comparer#METHODS}, if {@code text} is not a method or the steps are not at least 1 */
    public static ComparisonEntry parse(String text) {
        int colon = text.indexOf(':');
        List<String> settings = new ArrayList<>();
        Integer iters = null;
        for (String pair : colon < 0 ? new String[0] : text.substring(colon + 1).split(",")) {
            if (pair.startsWith(KEY + "=")) {
                if (iters != null) {
                    throw new OptionError(Comparer.METHODS, text, "'" + KEY + "' is given twice");
                }
                try {
                    iters = TrainOptions.MAX_ITERS.parse(pair.substring(KEY.length() + 1));
                } catch (OptionError e) {
                    throw new OptionError(Comparer.METHODS, text, e.getMessage());
                }
            } else {
                settings.add(pair);
            }
        }
        String name = colon < 0 ? text : text.substring(0, colon);
        try {
            return new ComparisonEntry(
                    MethodSpec.parse(settings.isEmpty() ? name : name + ":" + String.join(",", settings)), iters);
        } catch (OptionError e) {
            throw explained(text, e);
        }
    }

    /** Runs {@code check}; an error about an option of the method names the method, too. */
    void explain(Runnable check) {
        try {
            check.run();
        } catch (OptionError e) {
            throw method.options().find(e.option().key()).isPresent() ? explained(toString(), e) : e;
        }
    }

    private static OptionError explained(String text, OptionError e) {
        return e.option() == Methods.METHOD ? e.of(Comparer.METHODS)
                : new OptionError(Comparer.METHODS, text, e.getMessage());
    }

    /** A name fit for a file. */
    String label() {
        return method.label() + (ownIters == null ? "" : "-" + KEY + "-" + ownIters);
    }

    /** All values, in the form that {@link #parse} reads. */
    @Override
    public String toString() {
        String text = method.toString();
        return ownIters == null ? text : text + (text.contains(":") ? "," : ":") + KEY + "=" + ownIters;
    }
}
