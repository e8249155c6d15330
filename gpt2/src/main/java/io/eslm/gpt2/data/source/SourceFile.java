// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data.source;

import io.eslm.tensor.io.FileKind;
import java.io.BufferedInputStream;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * A file to read documents from.
 *
 * @param name of the file, by which its documents are known: its path below the folder that holds it, with slashes
 */
public record SourceFile(Path path, String name) {
    private static final int BUFFER = 1 << 16;

    /** The first {@code n} bytes, without compression. */
    byte[] head(int n) throws IOException {
        try (Opened opened = open()) {
            return opened.stream().readNBytes(n);
        }
    }

    Compression compression() throws IOException {
        try (InputStream in = Files.newInputStream(path)) {
            return Compression.of(in.readNBytes(FileKind.HEAD));
        }
    }

    /** Opens the file for one pass. */
    public Opened open() throws IOException {
        return new Opened(this);
    }

    /** A file while it is read. */
    public static final class Opened implements AutoCloseable {
        private final SourceFile file;
        private final Raw raw;
        private final InputStream stream;

        private Opened(SourceFile file) throws IOException {
            this.file = file;
            Compression compression = file.compression();
            raw = new Raw(Files.newInputStream(file.path));
            try {
                stream = compression.open(compression == Compression.NONE ? raw : new BufferedInputStream(raw, BUFFER));
            } catch (IOException e) {
                raw.close();
                throw e;
            }
        }

        Path path() {
            return file.path;
        }

        /** Its bytes, without compression. */
        InputStream stream() {
            return stream;
        }

        /** Bytes of the file that have been read. */
        long position() {
            return raw.position;
        }

        /** SHA-256 of the file, after reading what a reader left, in hex. */
        public String hash() throws IOException {
            raw.transferTo(OutputStream.nullOutputStream());
            return HexFormat.of().formatHex(raw.digest.digest());
        }

        @Override
        public void close() throws IOException {
            stream.close();
        }
    }

    /** Counts and hashes what it reads. */
    private static final class Raw extends FilterInputStream {
        final MessageDigest digest;
        long position;

        Raw(InputStream in) {
            super(in);
            try {
                digest = MessageDigest.getInstance("SHA-256");
            } catch (NoSuchAlgorithmException e) {
                throw new AssertionError("every Java platform has SHA-256", e);
            }
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF;
        }

        @Override
        public int read(byte[] bytes, int off, int len) throws IOException {
            int n = super.read(bytes, off, len);
            if (n > 0) {
                digest.update(bytes, off, n);
                position += n;
            }
            return n;
        }

        @Override
        public long skip(long n) throws IOException {
            return readNBytes((int) Math.min(n, BUFFER)).length;
        }

        @Override
        public boolean markSupported() {
            return false;
        }
    }
}
