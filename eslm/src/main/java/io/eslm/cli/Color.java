// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import java.util.Locale;
import java.util.stream.Stream;

/** When words have colours. */
enum Color {
    AUTO,
    ALWAYS,
    NEVER;

    static final String FLAG = "--color";

    /** What {@code words} ask for; what they get wrong is found later. */
    static Color of(String... words) {
        Color color = AUTO;
        for (int i = 0; i < words.length; i++) {
            String value = words[i].startsWith(FLAG + "=") ? words[i].substring(FLAG.length() + 1)
                    : words[i].equals(FLAG) && i + 1 < words.length ? words[i + 1] : "";
            color = Stream.of(values()).filter(c -> c.toString().equalsIgnoreCase(value)).findFirst().orElse(color);
        }
        return color;
    }

    /** See no-color.org: the variable counts if it is not empty. */
    boolean wanted(boolean terminal) {
        String no = System.getenv("NO_COLOR");
        return this == ALWAYS || this == AUTO && terminal && (no == null || no.isEmpty());
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
