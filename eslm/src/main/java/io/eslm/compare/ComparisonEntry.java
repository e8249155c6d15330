// SPDX-License-Identifier: Apache-2.0
package io.eslm.compare;

import io.eslm.gpt2.option.Option;
import io.eslm.gpt2.option.OptionError;
import io.eslm.gpt2.option.OptionValues;
import io.eslm.gpt2.train.TrainOptions;
import io.eslm.run.RunFolder;
import io.eslm.select.MethodSpec;
import io.eslm.select.Methods;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A method in a comparison. As text a method's specification, which may have more keys: {@link Comparer#OWN}, where this method trains with
 * other values than the rest, such as {@code max-iters}, so that a method with cheaper steps can take more of them; and
 * {@code tokenizer}, so that the same text can be learned in another vocabulary.
 *
 * @param own values of this method alone, of {@link TrainOptions#GROUP}
 * @param ownTokenizer as {@code --tokenizer} names it; null for that of the comparison
 */
public record ComparisonEntry(MethodSpec method, OptionValues own, String ownTokenizer) {
    private static final String TOKENIZER = Comparer.TOKENIZER.key();

    /** @throws OptionError of {@link Comparer#METHODS}, if {@code text} is not a method, or a value breaks its option's rule */
    public static ComparisonEntry parse(String text) {
        int colon = text.indexOf(':');
        List<String> settings = new ArrayList<>();
        OptionValues own = OptionValues.defaults(TrainOptions.GROUP);
        String tokenizer = null;
        for (String pair : colon < 0 ? new String[0] : text.substring(colon + 1).split(",")) {
            int equals = pair.indexOf('=');
            String key = equals < 0 ? pair : pair.substring(0, equals);
            Optional<Option<?>> option =
                    Comparer.OWN.stream().filter(o -> equals >= 0 && o.key().equals(key)).findFirst();
            if (option.isPresent() ? own.isSet(option.get()) : key.equals(TOKENIZER) && tokenizer != null) {
                throw new OptionError(Comparer.METHODS, text, "'" + key + "' is given twice");
            }
            if (option.isPresent()) {
                own = with(own, option.get(), pair.substring(equals + 1), text);
            } else if (equals >= 0 && key.equals(TOKENIZER)) {
                tokenizer = pair.substring(equals + 1);
            } else {
                settings.add(pair);
            }
        }
        String name = colon < 0 ? text : text.substring(0, colon);
        try {
            return new ComparisonEntry(
                    MethodSpec.parse(settings.isEmpty() ? name : name + ":" + String.join(",", settings)), own,
                    tokenizer);
        } catch (OptionError e) {
            throw explained(text, e);
        }
    }

    private static OptionValues with(OptionValues own, Option<?> option, String value, String text) {
        try {
            return own.withText(option, value);
        } catch (OptionError e) {
            throw new OptionError(Comparer.METHODS, text, e.getMessage());
        }
    }

    /** Runs {@code check}; an error about an option of the method, or a value of its own, names the method, too. */
    void explain(Runnable check) {
        try {
            check.run();
        } catch (OptionError e) {
            throw method.options().find(e.option().key()).isPresent() || own.isSet(e.option())
                    ? explained(toString(), e) : e;
        }
    }

    private static OptionError explained(String text, OptionError e) {
        return e.option() == Methods.METHOD ? e.of(Comparer.METHODS)
                : new OptionError(Comparer.METHODS, text, e.getMessage());
    }

    /** A name fit for a file. */
    String label() {
        return method.label() + ownValues("-").map("-"::concat).collect(Collectors.joining())
                + (ownTokenizer == null ? "" : "-" + RunFolder.named(ownTokenizer));
    }

    private Stream<String> ownValues(String between) {
        return Comparer.OWN.stream().filter(own::isSet).map(option -> option.key() + between + own.get(option));
    }

    /** All values, in the form that {@link #parse} reads. */
    @Override
    public String toString() {
        List<String> more = new ArrayList<>(ownValues("=").toList());
        if (ownTokenizer != null) {
            more.add(TOKENIZER + "=" + ownTokenizer);
        }
        String text = method.toString();
        return more.isEmpty() ? text : text + (text.contains(":") ? "," : ":") + String.join(",", more);
    }
}
