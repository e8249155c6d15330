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
import java.util.function.LongSupplier;

/**
 * A file to read documents from.
 *
 * @param place what it is called in messages: where it is
 * @param name of the file, by which its documents are known: its path below the folder that holds it, with slashes
 */
public record SourceFile(String place, String name, Bytes bytes) {
    private static final int BUFFER = 1 << 16;

    /** The bytes of a file, wherever they are. */
    public interface Bytes {
        /** Opens them for one pass. */
        InputStream open() throws IOException;

        /** How many there are. */
        long size() throws IOException;

        /** A file of this machine that holds them, for formats that are not read from front to end. */
        Path local() throws IOException;
    }

    private record OnDisk(Path path) implements Bytes {
        @Override
        public InputStream open() throws IOException {
            return Files.newInputStream(path);
        }

        @Override
        public long size() throws IOException {
            return Files.size(path);
        }

        @Override
        public Path local() {
            return path;
        }
    }

    /** A file of this machine. */
    public SourceFile(Path path, String name) {
        this(path.toString(), name, new OnDisk(path));
    }

    /** The first {@code n} bytes, without compression. */
    byte[] head(int n) throws IOException {
        try (Opened opened = open()) {
            return opened.stream().readNBytes(n);
        }
    }

    Compression compression() throws IOException {
        try (InputStream in = bytes.open()) {
            return Compression.of(in.readNBytes(FileKind.HEAD));
        }
    }

    /** Opens the file for one pass. */
    public Opened open() throws IOException {
        return new Opened(this);
    }

    /**
     * Opens whole lines of the file.
     *
     * @param lines their bytes, without compression
     * @param start where they begin in the file, in bytes
     * @param before how many lines come before them; asked for messages alone
     */
    public Opened part(InputStream lines, long start, LongSupplier before) {
        return new Opened(this, lines, start, before);
    }

    /** A file, or a part of one, while it is read. */
    public static final class Opened implements AutoCloseable {
        private final SourceFile file;
        private final Raw raw;
        private final InputStream stream;
        private final long start;
        private final LongSupplier before;

        private Opened(SourceFile file, InputStream part, long start, LongSupplier before) {
            this.file = file;
            this.raw = new Raw(part);
            this.stream = raw;
            this.start = start;
            this.before = before;
        }

        private Opened(SourceFile file) throws IOException {
            this.file = file;
            start = 0;
            before = () -> 0;
            Compression compression = file.compression();
            raw = new Raw(file.bytes.open());
            try {
                stream = compression.open(compression == Compression.NONE ? raw : new BufferedInputStream(raw, BUFFER));
            } catch (IOException e) {
                raw.close();
                throw e;
            }
        }

        /** What the file is called in messages. */
        String place() {
            return file.place;
        }

        SourceFile file() {
            return file;
        }

        /** Where the first byte of {@link #stream} is in the file, without compression. */
        long start() {
            return start;
        }

        /** How many lines come before {@link #start}. */
        long linesBefore() {
            return before.getAsLong();
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
