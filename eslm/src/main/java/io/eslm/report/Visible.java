// SPDX-License-Identifier: Apache-2.0
package io.eslm.report;

import java.util.HexFormat;

/**
 * Shows the characters that a text must not smuggle past its reader. Control characters drive a terminal: they move the cursor,
 * overwrite what was there, set its title. Bidirectional controls make text read in another order than it has. Zero-width and
 * tag characters cannot be seen at all. Line breaks and tabs are text, and so are the joiners that scripts and emoji need.
 */
public final class Visible {
    /** Where pictures of the characters U+0000 to U+001F begin. */
    private static final int PICTURES = 0x2400;
    private static final int DELETE = 0x7F;
    private static final int PICTURE_OF_DELETE = 0x2421;

    private static final HexFormat UPPER = HexFormat.of().withUpperCase();
    private static final HexFormat LOWER = HexFormat.of();

    private Visible() {
    }

    /** True for a character that {@link #of} replaces; a carriage return before a line feed is part of a line break. */
    public static boolean hides(int c) {
        if (c < 0x300) {
            return c < ' ' ? c != '\n' && c != '\t' : c >= DELETE && c < 0xA0;
        }
        return c == 0x61C || c == 0x180E // Arabic letter mark, Mongolian vowel separator
                || c == 0x200B || c == 0x200E || c == 0x200F // zero-width space, direction marks
                || c >= 0x2028 && c <= 0x202E // line and paragraph separators, embeddings and overrides
                || c >= 0x2060 && c <= 0x206F // word joiner, invisible operators, isolates
                || c == 0xFEFF || c >= 0xFFF9 && c <= 0xFFFB // byte order mark, interlinear annotations
                || c >= 0xE0000 && c <= 0xE0FFF; // tags
    }

    /** {@code text} with a picture for a control character, such as ␛, and with the code point of any other, in braces. */
    public static String of(String text) {
        return replace(text, (shown, c) -> {
            if (c < ' ' || c == DELETE) {
                shown.append((char) (c == DELETE ? PICTURE_OF_DELETE : PICTURES + c));
            } else {
                shown.append("\\u{").append(UPPER.toHexDigits(c, c <= 0xFFFF ? 4 : 5)).append('}');
            }
        });
    }

    /** JSON with the escapes of the same characters: the values stay the same. */
    public static String json(String json) {
        return replace(json, (shown, c) -> {
            for (char half : Character.toChars(c)) {
                shown.append("\\u").append(LOWER.toHexDigits(half));
            }
        });
    }

    /** One line: like {@link #of}, and with pictures of line breaks and tabs. */
    public static String line(String text) {
        return of(text).replace('\n', '\u240A').replace('\t', '\u2409');
    }

    /** Appends how a hidden character is written. */
    private interface Replacement {
        void append(StringBuilder shown, int c);
    }

    private static String replace(String text, Replacement replacement) {
        StringBuilder shown = null;
        int copied = 0;
        for (int i = 0; i < text.length();) {
            int c = text.codePointAt(i);
            int next = i + Character.charCount(c);
            if (hides(c) && !(c == '\r' && next < text.length() && text.charAt(next) == '\n')) {
                shown = shown == null ? new StringBuilder(text.length() + 16) : shown;
                replacement.append(shown.append(text, copied, i), c);
                copied = next;
            }
            i = next;
        }
        return shown == null ? text : shown.append(text, copied, text.length()).toString();
    }
}
