// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** Writes commands that can be pasted into a shell (bash, zsh, ksh), on one line, whatever their words hold. */
final class ShellWords {
    private static final Pattern PLAIN = Pattern.compile("[A-Za-z0-9_%+=:,./@-]+");

    private ShellWords() {
    }

    /** {@code words} as one command. */
    static String command(List<String> words) {
        return words.stream().map(ShellWords::quote).collect(Collectors.joining(" "));
    }

    /** {@code word} as the shell reads it back. */
    static String quote(String word) {
        if (PLAIN.matcher(word).matches()) {
            return word;
        }
        if (word.chars().noneMatch(ShellWords::isHidden)) {
            return "'" + word.replace("'", "'\\''") + "'";
        }
        StringBuilder text = new StringBuilder("$'");
        word.codePoints().forEach(c -> text.append(switch (c) {
            case '\n' -> "\\n";
            case '\t' -> "\\t";
            case '\'' -> "\\'";
            case '\\' -> "\\\\";
            default -> !isHidden(c) ? Character.toString(c)
                    : String.format(Locale.ROOT, c < 0x80 ? "\\%03o" : c < 0x10000 ? "\\u%04x" : "\\U%08x", c);
        }));
        return text.append('\'').toString();
    }

    /** Controls, line ends, and marks that change the direction of writing. */
    private static boolean isHidden(int c) {
        return Character.isISOControl(c) || Character.getType(c) == Character.FORMAT
                || Character.getType(c) == Character.LINE_SEPARATOR
                || Character.getType(c) == Character.PARAGRAPH_SEPARATOR;
    }
}
