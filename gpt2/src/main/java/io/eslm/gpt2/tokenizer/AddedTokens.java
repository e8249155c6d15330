// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.tokenizer;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Tokens that are found in a text before anything else: at each place the longest one, from left to right. This is how Hugging Face's
 * tokenizers find their {@code added_tokens}.
 */
final class AddedTokens {
    /**
     * One of them.
     *
     * @param singleWord only where no letter, digit or underscore is beside it
     * @param leftStrip takes the white space before it
     * @param rightStrip takes the white space after it
     * @param normalized found in the normalised text, not in the original
     * @param special means something else than its text
     */
    record Added(int id, String content, boolean singleWord, boolean leftStrip, boolean rightStrip, boolean normalized,
            boolean special) {
        /** The same, found as {@code text}. */
        Added as(String text) {
            return new Added(id, text, singleWord, leftStrip, rightStrip, normalized, special);
        }
    }

    /** A stretch of text, or a token ({@code text} null). */
    record Part(String text, int id, boolean first) {
    }

    private final List<Added> tokens;
    /** Tokens by their first char; longer ones first. */
    private final Map<Character, List<Added>> byFirst = new HashMap<>();
    private final BitSet first = new BitSet();

    AddedTokens(List<Added> tokens) {
        this.tokens = tokens.stream().filter(t -> !t.content.isEmpty())
                .sorted(Comparator.comparingInt((Added t) -> t.content.length()).reversed()).toList();
        for (Added t : this.tokens) {
            byFirst.computeIfAbsent(t.content.charAt(0), _ -> new ArrayList<>()).add(t);
            first.set(t.content.charAt(0));
        }
    }

    /** The parts of {@code part}; itself if it is a token or has none in it. */
    List<Part> split(Part part) {
        List<Part> parts = new ArrayList<>();
        if (part.text == null || tokens.isEmpty()) {
            parts.add(part);
            return parts;
        }
        String text = part.text;
        int from = 0;
        for (int i = 0; i < text.length();) {
            Added found = first.get(text.charAt(i)) ? at(text, i) : null;
            if (found == null) {
                i++;
                continue;
            }
            int start = i;
            int end = i + found.content.length();
            if (found.leftStrip) {
                while (start > from && isSpace(text.charAt(start - 1))) {
                    start--;
                }
            }
            if (found.rightStrip) {
                while (end < text.length() && isSpace(text.charAt(end))) {
                    end++;
                }
            }
            if (start > from) {
                parts.add(new Part(text.substring(from, start), -1, part.first && from == 0));
            }
            parts.add(new Part(null, found.id, false));
            from = end;
            i = end;
        }
        if (from < text.length()) {
            parts.add(new Part(text.substring(from), -1, part.first && from == 0));
        }
        return parts;
    }

    private Added at(String text, int i) {
        for (Added t : byFirst.get(text.charAt(i))) {
            if (text.startsWith(t.content, i) && !(t.singleWord && touchesWord(text, i, i + t.content.length()))) {
                return t;
            }
        }
        return null;
    }

    private static boolean touchesWord(String text, int from, int to) {
        return from > 0 && isWord(text.codePointBefore(from)) || to < text.length() && isWord(text.codePointAt(to));
    }

    private static boolean isWord(int c) {
        return Character.isLetterOrDigit(c) || c == '_' || Character.getType(c) == Character.NON_SPACING_MARK;
    }

    private static boolean isSpace(char c) {
        return Character.isWhitespace(c) && !(c >= 0x1C && c <= 0x1F) || c == '\u0085' || c == '\u00A0' || c == '\u2007'
                || c == '\u202F';
    }
}
