// SPDX-License-Identifier: Apache-2.0
package io.eslm.spark.data;

import io.eslm.gpt2.data.ContentHash;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.Serializable;
import java.util.List;
import org.apache.hadoop.fs.FSDataInputStream;

/** Writes the files of a prepared folder from the tokens of the parts, and reads them for their hashes. */
final class Shards {
    private static final int BUFFER = 1 << 18;

    private Shards() {
    }

    /**
     * A file of tokens.
     *
     * @param width bytes of a token
     */
    record Shard(String name, int width, List<Layout.Run> runs) implements Serializable {
        long bytes() {
            return width * runs.stream().mapToLong(Layout.Run::tokens).sum();
        }
    }

    /** Writes a file; returns the hashes of its chunks. */
    static byte[] write(HadoopFolder folder, Shard shard) throws IOException {
        if (!folder.has(shard.name)) {
            folder.write(shard.name, out -> {
                for (Layout.Run run : shard.runs) {
                    new Copy(folder, run, shard.width, out).run();
                }
            });
        }
        if (folder.size(shard.name) != shard.bytes()) {
            throw new IOException(shard.name + " has " + folder.size(shard.name) + " bytes, not " + shard.bytes());
        }
        return chunks(folder, List.of(shard.name), 0, shard.bytes());
    }

    /** The hashes of the chunks in bytes {@code [begin, end)} of files, one after the other. */
    static byte[] chunks(HadoopFolder folder, List<String> names, long begin, long end) throws IOException {
        try (InputStream in = new Joined(folder, names, begin, end)) {
            return ContentHash.chunks(in);
        }
    }

    /** Copies the documents of a run that are taken. */
    private static final class Copy {
        private final HadoopFolder folder;
        private final Layout.Run run;
        private final int width;
        private final OutputStream out;
        private final byte[] buffer = new byte[BUFFER];
        /** Where the next document begins in the section, and how many tokens are still to be skipped and to be taken. */
        private long at;
        private long skip;
        private long take;
        /** Bytes of the file that are to be copied next. */
        private long from;
        private long to;

        Copy(HadoopFolder folder, Layout.Run run, int width, OutputStream out) {
            this.folder = folder;
            this.run = run;
            this.width = width;
            this.out = out;
            this.skip = run.skip();
            this.take = run.tokens();
        }

        void run() throws IOException {
            try (FSDataInputStream tokens = folder.open(PartFiles.tokens(run.part()))) {
                PartFiles.read(folder, PartFiles.decided(run.part()), document -> {
                    if (document.domain() == run.domain()) {
                        long begin = at;
                        at += document.tokens();
                        if (!document.dropped() && isTaken(document.chosen())) {
                            add(tokens, begin, document.tokens());
                        }
                    }
                });
                copy(tokens);
            }
            if (take > 0) {
                throw new EOFException(PartFiles.tokens(run.part()) + " lacks " + take + " tokens");
            }
        }

        private boolean isTaken(boolean chosen) {
            return switch (run.which()) {
                case ALL -> true;
                case CHOSEN -> chosen;
                case REST -> !chosen;
            };
        }

        private void add(FSDataInputStream tokens, long begin, long n) throws IOException {
            long passed = Math.min(skip, n);
            skip -= passed;
            long taken = Math.min(take, n - passed);
            take -= taken;
            long first = width * (run.section() + begin + passed);
            if (taken > 0 && first != to) {
                copy(tokens);
                from = first;
                to = first;
            }
            to += width * taken;
        }

        private void copy(FSDataInputStream tokens) throws IOException {
            if (from < to) {
                tokens.seek(from);
            }
            while (from < to) {
                int n = (int) Math.min(buffer.length, to - from);
                tokens.readFully(buffer, 0, n);
                out.write(buffer, 0, n);
                from += n;
            }
        }
    }

    /** Bytes of files, one after the other. */
    private static final class Joined extends InputStream {
        private final HadoopFolder folder;
        private final List<String> names;
        private int next;
        private long skip;
        private long left;
        private DataInputStream in;

        Joined(HadoopFolder folder, List<String> names, long begin, long end) {
            this.folder = folder;
            this.names = names;
            this.skip = begin;
            this.left = end - begin;
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF;
        }

        @Override
        public int read(byte[] bytes, int off, int len) throws IOException {
            while (left > 0) {
                int n = in == null ? -1 : in.read(bytes, off, (int) Math.min(len, left));
                if (n >= 0) {
                    left -= n;
                    return n;
                }
                if (!open()) {
                    throw new EOFException(names.getLast() + " ends too early");
                }
            }
            return -1;
        }

        private boolean open() throws IOException {
            close();
            while (next < names.size()) {
                String name = names.get(next++);
                long size = folder.size(name);
                if (skip < size) {
                    in = folder.read(name, skip);
                    skip = 0;
                    return true;
                }
                skip -= size;
            }
            return false;
        }

        @Override
        public void close() throws IOException {
            if (in != null) {
                in.close();
                in = null;
            }
        }
    }
}
