// SPDX-License-Identifier: Apache-2.0
package io.eslm.spark.data;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;

/** The lines of a file that begin in some of its bytes, to their ends. */
final class LineSlice extends FilterInputStream {
    private final long end;
    private final long start;
    private long at;
    private boolean done;

    private LineSlice(InputStream in, long begin, long end) throws IOException {
        super(in);
        this.end = end;
        if (begin > 0) {
            at = begin - 1; // a line begins at begin if the byte before it ends one
            pass();
        }
        start = this.at;
        done = start >= end;
    }

    /** @param begin first byte of the slice; {@code end} is the byte after its last one */
    static LineSlice of(HadoopFile file, long begin, long end) throws IOException {
        return new LineSlice(file.open(Math.max(0, begin - 1)), begin, end);
    }

    private void pass() throws IOException {
        int b = in.read();
        while (b >= 0 && b != '\n') {
            at++;
            b = in.read();
        }
        at++;
    }

    /** Where the first line begins, in bytes. */
    long start() {
        return start;
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF;
    }

    @Override
    public int read(byte[] bytes, int off, int len) throws IOException {
        if (done) {
            return -1;
        }
        long free = end - 1 - at; // bytes after which no line of another slice can begin
        if (free > 0) {
            int n = in.read(bytes, off, (int) Math.min(len, free));
            done = n < 0;
            at += Math.max(0, n);
            return n;
        }
        int n = 0;
        while (n < len && !done) {
            int b = in.read();
            done = b < 0 || b == '\n';
            if (b >= 0) {
                bytes[off + n++] = (byte) b;
            }
        }
        return n == 0 ? -1 : n;
    }

    /** How many lines of a file end in its first {@code bytes}. */
    static long lines(HadoopFile file, long bytes) throws IOException {
        long lines = 0;
        try (InputStream in = file.open()) {
            byte[] piece = new byte[1 << 16];
            for (long left = bytes; left > 0;) {
                int n = in.read(piece, 0, (int) Math.min(piece.length, left));
                if (n < 0) {
                    return lines;
                }
                for (int i = 0; i < n; i++) {
                    lines += piece[i] == '\n' ? 1 : 0;
                }
                left -= n;
            }
        }
        return lines;
    }
}
