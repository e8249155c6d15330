// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.tokenizer;

import java.util.Arrays;

/**
 * GPT-2's {@code bytes_to_unicode}: a printable character for each byte, in which byte-level vocabularies are written. Visible bytes
 * stay; the others become the characters 256, 257, …, in the order of the bytes.
 */
final class ByteChars {
    private static final char[] OF_BYTE = new char[256];
    private static final int[] OF_CHAR = new int[512];

    static {
        Arrays.fill(OF_CHAR, -1);
        char next = 256;
        for (char b = 0; b < 256; b++) {
            boolean visible = b >= '!' && b <= '~' || b >= 0xA1 && b <= 0xAC || b >= 0xAE;
            OF_BYTE[b] = visible ? b : next++;
            OF_CHAR[OF_BYTE[b]] = b;
        }
    }

    private ByteChars() {
    }

    static char of(byte b) {
        return OF_BYTE[b & 0xFF];
    }

    /** The character of each byte. */
    static String of(byte[] bytes) {
        var text = new StringBuilder(bytes.length);
        for (byte b : bytes) {
            text.append(of(b));
        }
        return text.toString();
    }

    /** The bytes that {@code text} stands for, or null if one of its characters stands for none. */
    static byte[] bytes(String text) {
        byte[] bytes = new byte[text.length()];
        for (int i = 0; i < bytes.length; i++) {
            char c = text.charAt(i);
            if (c >= OF_CHAR.length || OF_CHAR[c] < 0) {
                return null;
            }
            bytes[i] = (byte) OF_CHAR[c];
        }
        return bytes;
    }
}
