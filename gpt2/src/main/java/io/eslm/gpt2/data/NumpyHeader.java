// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

import io.eslm.tensor.UserError;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The header of a NumPy array (.npy, versions 1 to 3): six bytes of magic, two of version, the length of the text that follows
 * (two bytes, from version 2 four), and a Python dictionary. Its tokens are read if they are one row of whole numbers.
 */
final class NumpyHeader {
    private static final int MAGIC_BYTES = 6;
    /** Text of a header that NumPy itself reads without being asked to trust the file. */
    private static final int MOST_TEXT = 10_000;
    private static final Pattern TEXT = Pattern.compile(
            "\\{'descr': '([<>|=]?[a-zA-Z]\\d{0,4})', 'fortran_order': (?:True|False), 'shape': \\((\\d{1,18}),\\), \\} *\\n?");
    private static final ValueLayout.OfShort UINT16 =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt UINT32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /**
     * The array without its header.
     *
     * @param width bytes of a token
     */
    record Tokens(MemorySegment bytes, int width) {
    }

    private NumpyHeader() {
    }

    /**
     * The tokens of the array.
     *
     * @throws UserError if it holds anything else, or is damaged
     */
    static Tokens tokens(Path path, MemorySegment file) {
        int version = file.byteSize() < MAGIC_BYTES + 6 ? 0 : file.get(ValueLayout.JAVA_BYTE, MAGIC_BYTES);
        if (version < 1 || version > 3) {
            throw new UserError(path + " begins like a NumPy array (.npy) but has no header of version 1 to 3: it is "
                    + "damaged or truncated. Save it again.");
        }
        long textStart = MAGIC_BYTES + (version == 1 ? 4L : 6L);
        long length = version == 1 ? file.get(UINT16, MAGIC_BYTES + 2) & 0xFFFF
                : Integer.toUnsignedLong(file.get(UINT32, MAGIC_BYTES + 2));
        if (length > MOST_TEXT || textStart + length > file.byteSize()) {
            throw new UserError(path + " is a NumPy array (.npy) whose header would have " + length
                    + " bytes: it is damaged or truncated. Save it again.");
        }
        String text = new String(file.asSlice(textStart, length).toArray(ValueLayout.JAVA_BYTE),
                StandardCharsets.UTF_8);
        Matcher header = TEXT.matcher(text);
        if (!header.matches() || !header.group(1).matches("<[iu][248]")) {
            throw new UserError(path + " is a NumPy array (.npy) of " + shown(text) + ", but tokens must be one row of "
                    + "whole numbers of 2, 4 or 8 bytes (<u2). In Python, numpy.load(FILE).astype('uint32').ravel() is one.");
        }
        int width = header.group(1).charAt(2) - '0';
        long count = Long.parseLong(header.group(2));
        MemorySegment tokens = file.asSlice(textStart + length);
        if (count == 0 || tokens.byteSize() / width != count || tokens.byteSize() % width != 0) {
            throw new UserError(path + " has " + tokens.byteSize() + " bytes of data, but its header says " + count
                    + " tokens of " + width + " bytes: it is empty, damaged or truncated. Save it again.");
        }
        return new Tokens(tokens, width);
    }

    private static String shown(String text) {
        String line = text.strip();
        return UserError.within(100, line);
    }
}
