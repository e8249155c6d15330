// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.tokenizer;

/**
 * Cuts UTF-8 text where {@link Splitters#GPT2} cuts it, without a regular expression: a piece is one of the endings {@code 's 't 'd
 * 'm 'll 've 're}; letters, digits, or signs, with at most one space before them; or white space, whose last character goes to what
 * follows.
 */
final class Gpt2Pieces {
    /** Kinds of characters; a piece but an ending has one kind, apart from the space before it. */
    private static final int LETTER = 0;
    private static final int NUMBER = 1;
    private static final int SPACE = 2;
    private static final int OTHER = 3;
    private static final byte[] KINDS = new byte[0x10000];

    static {
        for (int c = 0; c < KINDS.length; c++) {
            KINDS[c] = (byte) kindOf(c);
        }
    }

    private Gpt2Pieces() {
    }

    private static int kindOf(int c) {
        return switch (Character.getType(c)) {
            case Character.UPPERCASE_LETTER, Character.LOWERCASE_LETTER, Character.TITLECASE_LETTER,
                    Character.MODIFIER_LETTER, Character.OTHER_LETTER -> LETTER;
            case Character.DECIMAL_DIGIT_NUMBER, Character.LETTER_NUMBER, Character.OTHER_NUMBER -> NUMBER;
            case Character.SPACE_SEPARATOR, Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR -> SPACE;
            default -> c >= '\t' && c <= '\r' || c == 0x85 ? SPACE : OTHER;
        };
    }

    /** A number for letters, digits, white space and the rest. */
    static int kind(int c) {
        return c < KINDS.length ? KINDS[c] : kindOf(c);
    }

    /** The end of the piece that starts at {@code from} in well-formed UTF-8 that ends at {@code to}. */
    static int end(byte[] text, int from, int to) {
        byte first = text[from];
        if (first == '\'') {
            int length = ending(text, from + 1, to);
            if (length > 0) {
                return from + 1 + length;
            }
        }
        int start = first == ' ' && from + 1 < to ? from + 1 : from;
        int kind = kind(at(text, start));
        if (kind == SPACE) {
            return endOfSpace(text, from, to);
        }
        int i = start + length(text[start]);
        while (i < to) {
            byte b = text[i];
            if (b >= 0) {
                if (KINDS[b] != kind) {
                    return i;
                }
                i++;
            } else {
                if (kind(at(text, i)) != kind) {
                    return i;
                }
                i += length(b);
            }
        }
        return i;
    }

    /** White space up to the last character before something else, of which there must be one. */
    private static int endOfSpace(byte[] text, int from, int to) {
        int i = from;
        int last = from;
        while (i < to && kind(at(text, i)) == SPACE) {
            last = i;
            i += length(text[i]);
        }
        return i < to && last > from ? last : i;
    }

    /** The length of an ending that follows an apostrophe, or 0. */
    private static int ending(byte[] text, int i, int to) {
        if (i >= to) {
            return 0;
        }
        byte a = text[i];
        if (a == 's' || a == 't' || a == 'd' || a == 'm') {
            return 1;
        }
        byte b = i + 1 < to ? text[i + 1] : 0;
        return a == 'l' && b == 'l' || a == 'v' && b == 'e' || a == 'r' && b == 'e' ? 2 : 0;
    }

    /** The length in bytes of the character that starts with {@code lead}. */
    private static int length(byte lead) {
        return lead >= 0 ? 1 : lead < (byte) 0xE0 ? 2 : lead < (byte) 0xF0 ? 3 : 4;
    }

    /** The character at {@code i}. */
    private static int at(byte[] text, int i) {
        byte lead = text[i];
        return switch (length(lead)) {
            case 1 -> lead;
            case 2 -> (lead & 0x1F) << 6 | text[i + 1] & 0x3F;
            case 3 -> (lead & 0x0F) << 12 | (text[i + 1] & 0x3F) << 6 | text[i + 2] & 0x3F;
            default -> (lead & 0x07) << 18 | (text[i + 1] & 0x3F) << 12 | (text[i + 2] & 0x3F) << 6
                    | text[i + 3] & 0x3F;
        };
    }
}
