// SPDX-License-Identifier: Apache-2.0
package io.eslm.task;

import java.util.Locale;
import java.util.regex.Pattern;

/** What Python's methods of strings and its regular expressions do, which the tasks are defined by. */
final class PythonText {
    /** What Python takes for white space, inside a class of a regular expression. */
    static final String SPACE =
            " \\t\\n\\u000B\\f\\r\\u001C-\\u001F\\u0085\\u00A0\\u1680\\u2000-\\u200A\\u2028\\u2029\\u202F\\u205F\\u3000";
    private static final Pattern START = Pattern.compile("\\A[" + SPACE + "]+");
    private static final Pattern END = Pattern.compile("[" + SPACE + "]+\\z");
    private static final Pattern BETWEEN_WORDS = Pattern.compile("[" + SPACE + "]+");

    private PythonText() {
    }

    static String stripStart(String text) {
        return START.matcher(text).replaceFirst("");
    }

    static String stripEnd(String text) {
        return END.matcher(text).replaceFirst("");
    }

    static String strip(String text) {
        return stripEnd(stripStart(text));
    }

    /** The first character in title case, all others in lower case. */
    static String capitalize(String text) {
        if (text.isEmpty()) {
            return text;
        }
        int first = text.codePointAt(0);
        return Character.toString(Character.toTitleCase(first))
                + text.substring(Character.charCount(first)).toLowerCase(Locale.ROOT);
    }

    /** How many characters it has: code points. */
    static int length(String text) {
        return text.codePointCount(0, text.length());
    }

    /** How many pieces white space splits it into; empty ones at the ends count. */
    static int words(String text) {
        return BETWEEN_WORDS.split(text, -1).length;
    }
}
