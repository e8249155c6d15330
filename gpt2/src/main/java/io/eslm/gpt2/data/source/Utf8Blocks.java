// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data.source;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;

/** Decodes UTF-8 block by block; stops at malformed input. */
final class Utf8Blocks {
    private static final int BLOCK_BYTES = 1 << 17;

    /** The last block. */
    final CharBuffer chars = CharBuffer.allocate(BLOCK_BYTES + 2);
    private final InputStream in;
    private final CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder()
            .onMalformedInput(CodingErrorAction.REPORT).onUnmappableCharacter(CodingErrorAction.REPORT);
    private final ByteBuffer bytes = ByteBuffer.allocate(BLOCK_BYTES);
    private long read;
    private long blockStart;
    private long malformedAt = -1;
    private boolean ended;

    Utf8Blocks(InputStream in) {
        this.in = in;
    }

    /** Decodes the next block into {@link #chars}, ready to read; false at the end. */
    boolean next() throws IOException {
        if (ended) {
            return false;
        }
        blockStart = read - bytes.position();
        int n = in.readNBytes(bytes.array(), bytes.position(), bytes.remaining());
        boolean atEnd = n < bytes.remaining();
        read += n;
        bytes.position(bytes.position() + n).flip();
        CoderResult result = decoder.decode(bytes, chars, atEnd);
        ended = atEnd || result.isError();
        if (result.isError()) {
            malformedAt = blockStart + bytes.position();
        }
        bytes.compact();
        chars.flip();
        return true;
    }

    /** How many bytes are decoded: the next block begins there. */
    long decoded() {
        return read - bytes.position();
    }

    /** Place of the first byte that is not UTF-8; −1 if there is none before the next block. */
    long malformedAt() {
        return malformedAt;
    }

    /** Place of the char at {@code index} of {@link #chars}, in bytes from the start. */
    long offset(int index) {
        long offset = blockStart;
        for (int i = 0; i < index; i++) {
            offset += bytes(chars.charAt(i));
        }
        return offset;
    }

    /** How many bytes a char takes; one of a pair takes half of the pair's. */
    static int bytes(char c) {
        return c < 0x80 ? 1 : c < 0x800 ? 2 : Character.isSurrogate(c) ? 2 : 3;
    }

    /** @throws IOException if the input is not UTF-8; the message says where */
    void check() throws IOException {
        if (malformedAt >= 0) {
            throw new IOException("byte " + malformedAt + " is not UTF-8");
        }
    }
}
