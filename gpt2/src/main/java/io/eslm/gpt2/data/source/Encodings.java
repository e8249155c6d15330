// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data.source;

import java.nio.charset.StandardCharsets;

/** Says what an encoding other than UTF-8 may be, and what to do about it. */
public final class Encodings {
    /** For where no file as a whole can be converted. */
    static final String ADVICE = "Write the text in UTF-8";
    private static final int WORTH_LOOKING = 256;

    private Encodings() {
    }

    /**
     * What a file that is not UTF-8 may be: "It looks like UTF-16 with the low byte first. Convert it: iconv …"; empty if nothing
     * is known.
     *
     * @param head the first bytes
     * @param offset where the first byte is that is no text
     */
    public static String guess(byte[] head, long offset) {
        String wide = wide(head);
        if (wide != null) {
            return "It looks like " + wide + ". Convert it: iconv -f " + wide + " -t UTF-8 OLD > NEW";
        }
        int at = (int) Math.min(offset, Integer.MAX_VALUE);
        if (at < head.length && head[at] < 0 && letters(head, at)) {
            String is = new String(head, at, 1, StandardCharsets.ISO_8859_1);
            String shown = head[at] >= (byte) 0xA0 ? " (the byte is '" + is + "' there)" : "";
            return "It may be Latin-1" + shown + ". Convert it: iconv -f WINDOWS-1252 -t UTF-8 OLD > NEW";
        }
        return "";
    }

    private static String wide(byte[] head) {
        if (begins(head, 0xFF, 0xFE, 0, 0) || begins(head, 0, 0, 0xFE, 0xFF)) {
            return "UTF-32";
        }
        if (begins(head, 0xFF, 0xFE) || begins(head, 0xFE, 0xFF)) {
            return "UTF-16";
        }
        int[] zeros = new int[2];
        int n = Math.min(head.length, WORTH_LOOKING) & ~1;
        for (int i = 0; i < n; i++) {
            zeros[i & 1] += head[i] == 0 ? 1 : 0;
        }
        // Latin letters have a zero byte; nearly all of a text is such letters, spaces and line ends.
        boolean pattern = n >= 4 && Math.max(zeros[0], zeros[1]) > 0.9 * n / 2 && Math.min(zeros[0], zeros[1]) == 0;
        return !pattern ? null : zeros[1] > zeros[0] ? "UTF-16LE" : "UTF-16BE";
    }

    private static boolean begins(byte[] head, int... bytes) {
        for (int i = 0; i < bytes.length; i++) {
            if (i >= head.length || (head[i] & 0xFF) != bytes[i]) {
                return false;
            }
        }
        return true;
    }

    /** Whether the bytes before and after {@code at} are printable ASCII, as they are in a text with few accents. */
    private static boolean letters(byte[] head, int at) {
        return plain(head, at - 1) && plain(head, at + 1);
    }

    private static boolean plain(byte[] head, int i) {
        return i < 0 || i >= head.length || head[i] >= ' ' && head[i] < 0x7F || head[i] == '\n' || head[i] == '\r';
    }
}
