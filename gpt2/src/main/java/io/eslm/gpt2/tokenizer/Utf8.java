// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.Locale;

/** Bytes that may be parts of characters. */
final class Utf8 {
    private Utf8() {
    }

    /** The text of whole characters; each other byte as, for example, {@code <0xE2>}. */
    static String shown(byte[] bytes) {
        var shown = new StringBuilder(bytes.length);
        for (int i = 0; i < bytes.length;) {
            int length = characterLength(bytes, i);
            if (length == 0) {
                shown.append(String.format(Locale.ROOT, "<0x%02X>", bytes[i++]));
            } else {
                shown.append(new String(bytes, i, length, StandardCharsets.UTF_8));
                i += length;
            }
        }
        return shown.toString();
    }

    /** Length in bytes of the whole character that starts at {@code i}, or 0 if none does. */
    private static int characterLength(byte[] bytes, int i) {
        int lead = bytes[i] & 0xFF;
        int length = lead < 0x80 ? 1 : lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;
        if (length == 0 || i + length > bytes.length) {
            return 0;
        }
        String decoded = new String(bytes, i, length, StandardCharsets.UTF_8);
        boolean whole = decoded.codePointCount(0, decoded.length()) == 1
                && decoded.getBytes(StandardCharsets.UTF_8).length == length
                && (decoded.charAt(0) != '\uFFFD' || lead == 0xEF && bytes[i + 1] == (byte) 0xBF);
        return whole ? length : 0;
    }

    /** {@code text} with each lone surrogate, which has no UTF-8 form, as U+FFFD. */
    static String wellFormed(String text) {
        StringBuilder mended = null;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (!Character.isSurrogate(c)) {
                continue;
            }
            if (Character.isHighSurrogate(c) && i + 1 < text.length()
                    && Character.isLowSurrogate(text.charAt(i + 1))) {
                i++;
                continue;
            }
            if (mended == null) {
                mended = new StringBuilder(text);
            }
            mended.setCharAt(i, '\uFFFD');
        }
        return mended == null ? text : mended.toString();
    }
}
