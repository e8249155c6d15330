// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data.source;

import java.io.IOException;
import java.io.InputStream;
import java.io.Reader;

/** Reads UTF-8, without a byte order mark at the start; an error says which byte is not UTF-8. */
final class Utf8Reader extends Reader {
    private final Utf8Blocks blocks;
    private boolean atStart = true;
    private long read;
    private long allowed = Long.MAX_VALUE;

    Utf8Reader(InputStream in) {
        blocks = new Utf8Blocks(in);
        blocks.chars.limit(0);
    }

    @Override
    public int read(char[] into, int off, int len) throws IOException {
        if (len == 0) {
            return 0;
        }
        while (!blocks.chars.hasRemaining()) {
            blocks.check();
            blocks.chars.clear();
            if (!blocks.next()) {
                blocks.chars.limit(0);
                return -1;
            }
            if (atStart && blocks.chars.hasRemaining()) {
                atStart = false;
                if (blocks.chars.get(0) == '\uFEFF') {
                    blocks.chars.get();
                }
            }
        }
        int n = Math.min(len, blocks.chars.remaining());
        blocks.chars.get(into, off, n);
        read += n;
        if (read > allowed) {
            throw new IOException("a record is longer than " + Batch.MAX_WORDS);
        }
        return n;
    }

    /** Allows only so many chars more: a record must not fill the memory. */
    void allow(long chars) {
        allowed = read + chars;
    }

    /** The stream stays open: who opened the file reads it to its end. */
    @Override
    public void close() {
        // nothing is held
    }
}
