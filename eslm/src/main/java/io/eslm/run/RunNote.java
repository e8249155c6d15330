// SPDX-License-Identifier: Apache-2.0
package io.eslm.run;

import io.eslm.gpt2.option.Option;
import java.util.function.Function;

/**
 * Something to know about a run before its first step: what it cannot do, or what differs from before.
 *
 * @param text sentences, without the last full stop
 * @param purpose what {@code option} would do, such as "to keep the curve, give"; null if no option helps
 */
public record RunNote(String text, String purpose, Option<?> option, Object value) {
    static RunNote of(String text) {
        return new RunNote(text, null, null, null);
    }

    /** The note in words. */
    public String message() {
        return messageFor(Option::toString);
    }

    /** The note with another name for the option. */
    public String messageFor(Function<Option<?>, String> name) {
        return option == null ? text : text + "; " + purpose + " " + name.apply(option) + " " + value;
    }
}
