// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import io.eslm.tensor.UserError;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** Writes and reads words as a shell does (bash, zsh, ksh), so that a printed command can be pasted; on one line. */
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
                    : c < 0x80 ? "\\" + c / 64 + c / 8 % 8 + c % 8
                    : c < 0x10000 ? "\\u" + HexFormat.of().toHexDigits(c, 4) : "\\U" + HexFormat.of().toHexDigits(c, 8);
        }));
        return text.append('\'').toString();
    }

    /** Controls, line ends, and marks that change the direction of writing. */
    private static boolean isHidden(int c) {
        return Character.isISOControl(c) || Character.getType(c) == Character.FORMAT
                || Character.getType(c) == Character.LINE_SEPARATOR
                || Character.getType(c) == Character.PARAGRAPH_SEPARATOR;
    }

    /**
     * The words of {@code text}, at white space. Quotes keep white space: '…' as it is, "…" with \" and \\; a backslash outside
     * quotes keeps the next character. A # at the beginning of a word makes the rest of the line a comment.
     *
     * @throws UserError if a quote has no end
     */
    static List<String> split(String text) {
        List<String> words = new ArrayList<>();
        StringBuilder word = null;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (Character.isWhitespace(c)) {
                if (word != null) {
                    words.add(word.toString());
                    word = null;
                }
            } else if (c == '#' && word == null) {
                int end = text.indexOf('\n', i);
                i = end < 0 ? text.length() : end;
            } else {
                word = word == null ? new StringBuilder() : word;
                if (c == '\'' || c == '"') {
                    i = quoted(text, i, word);
                } else {
                    word.append(c == '\\' && i + 1 < text.length() ? text.charAt(++i) : c);
                }
            }
        }
        if (word != null) {
            words.add(word.toString());
        }
        return words;
    }

    /** Appends what is within the quotes that begin at {@code from}; returns where they end. */
    private static int quoted(String text, int from, StringBuilder word) {
        char quote = text.charAt(from);
        for (int i = from + 1; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == quote) {
                return i;
            }
            boolean escape =
                    quote == '"' && c == '\\' && i + 1 < text.length() && "\"\\".indexOf(text.charAt(i + 1)) >= 0;
            word.append(escape ? text.charAt(++i) : c);
        }
        long line = text.substring(0, from).chars().filter(c -> c == '\n').count() + 1;
        throw new UserError("the quote " + quote + " in line " + line + " has no end");
    }
}
