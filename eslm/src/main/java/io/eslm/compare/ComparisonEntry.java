// SPDX-License-Identifier: Apache-2.0
package io.eslm.compare;

import java.util.Map;
import io.eslm.run.RunFolder;
import io.eslm.gpt2.option.OptionError;
import io.eslm.gpt2.train.TrainOptions;
import io.eslm.select.MethodSpec;
import io.eslm.select.Methods;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;

/**
 * A method in a comparison. As text a method's specification, which may have two more keys: {@code max-iters}, the optimizer steps
 * of this method, so that a method with cheaper steps can take more of them; and {@code tokenizer}, so that the same text can be
 * learned in another vocabulary.
 *
 * @param ownIters optimizer steps of this method; null for those of the comparison
 * @param ownTokenizer as {@code --tokenizer} names it; null for that of the comparison
 */
public record ComparisonEntry(MethodSpec method, Integer ownIters, String ownTokenizer) {
    private static final String ITERS = TrainOptions.MAX_ITERS.key();
    private static final String TOKENIZER = Comparer.TOKENIZER.key();

    /** @throws OptionError of {@link Comparer#METHODS}, if {@code text} is not a method or the steps are not at least 1 */
    public static ComparisonEntry parse(String text) {
        int colon = text.indexOf(':');
        List<String> settings = new ArrayList<>();
        Map<String, String> own = new HashMap<>();
        for (String pair : colon < 0 ? new String[0] : text.substring(colon + 1).split(",")) {
            int equals = pair.indexOf('=');
            String key = equals < 0 ? pair : pair.substring(0, equals);
            if (equals < 0 || !key.equals(ITERS) && !key.equals(TOKENIZER)) {
                settings.add(pair);
            } else if (own.put(key, pair.substring(equals + 1)) != null) {
                throw new OptionError(Comparer.METHODS, text, "'" + key + "' is given twice");
            }
        }
        String name = colon < 0 ? text : text.substring(0, colon);
        Integer iters = iters(text, own.get(ITERS));
        try {
            return new ComparisonEntry(
                    MethodSpec.parse(settings.isEmpty() ? name : name + ":" + String.join(",", settings)),
                    iters, own.get(TOKENIZER));
        } catch (OptionError e) {
            throw explained(text, e);
        }
    }

    private static Integer iters(String text, String value) {
        try {
            return value == null ? null : TrainOptions.MAX_ITERS.parse(value);
        } catch (OptionError e) {
            throw new OptionError(Comparer.METHODS, text, e.getMessage());
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
        return method.label() + (ownIters == null ? "" : "-" + ITERS + "-" + ownIters)
                + (ownTokenizer == null ? "" : "-" + RunFolder.named(ownTokenizer));
    }

    /** All values, in the form that {@link #parse} reads. */
    @Override
    public String toString() {
        List<String> own = new ArrayList<>();
        if (ownIters != null) {
            own.add(ITERS + "=" + ownIters);
        }
        if (ownTokenizer != null) {
            own.add(TOKENIZER + "=" + ownTokenizer);
        }
        String text = method.toString();
        return own.isEmpty() ? text : text + (text.contains(":") ? "," : ":") + String.join(",", own);
    }
}
