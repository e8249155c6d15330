// SPDX-License-Identifier: Apache-2.0
package io.eslm.spark.data;

import io.eslm.gpt2.data.source.SourceFile;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocalFileSystem;
import org.apache.hadoop.fs.Path;

/** A file of any file system that Hadoop knows. Close it, because it may have made a copy on this machine. */
final class HadoopFile implements SourceFile.Bytes, AutoCloseable {
    private static final int BUFFER = 1 << 16;
    private static final int PARQUET_TAIL = 8;

    private final Path path;
    private final FileSystem files;
    private final boolean footerAlone;
    private java.nio.file.Path copy;

    private HadoopFile(URI uri, Configuration conf, boolean footerAlone) throws IOException {
        this.path = new Path(uri);
        this.files = system(path, conf);
        this.footerAlone = footerAlone;
    }

    static HadoopFile of(URI uri, Configuration conf) throws IOException {
        return new HadoopFile(uri, conf, false);
    }

    /** For a look: the copy of a Parquet file has the footer and is empty before it. */
    static HadoopFile footer(URI uri, Configuration conf) throws IOException {
        return new HadoopFile(uri, conf, true);
    }

    /** The file system of a path; that of this machine without the files of checksums that Hadoop lays beside others. */
    static FileSystem system(Path path, Configuration conf) throws IOException {
        FileSystem files = path.getFileSystem(conf);
        return files instanceof LocalFileSystem local ? local.getRawFileSystem() : files;
    }

    static boolean isLocal(URI uri) {
        return "file".equals(uri.getScheme());
    }

    @Override
    public InputStream open() throws IOException {
        return open(0);
    }

    /** The bytes from {@code begin} on. */
    InputStream open(long begin) throws IOException {
        FSDataInputStream in = files.open(path);
        try {
            in.seek(begin);
        } catch (IOException e) {
            in.close();
            throw e;
        }
        return new BufferedInputStream(in, BUFFER);
    }

    @Override
    public long size() throws IOException {
        return files.getFileStatus(path).getLen();
    }

    /** Time of modification, in ms. */
    long modified() throws IOException {
        return files.getFileStatus(path).getModificationTime();
    }

    @Override
    public java.nio.file.Path local() throws IOException {
        if (isLocal(files.getUri())) {
            return java.nio.file.Path.of(Path.getPathWithoutSchemeAndAuthority(path).toString());
        }
        if (copy == null) {
            copy = Files.createTempFile("eslm-", ".copy");
            if (footerAlone) {
                copyFooter();
            } else {
                try (InputStream in = open()) {
                    Files.copy(in, copy, StandardCopyOption.REPLACE_EXISTING);
                }
            }
        }
        return copy;
    }

    private void copyFooter() throws IOException {
        long size = size();
        try (FSDataInputStream in = files.open(path);
                FileChannel out = FileChannel.open(copy, StandardOpenOption.WRITE)) {
            byte[] tail = new byte[(int) Math.min(PARQUET_TAIL, size)];
            in.readFully(size - tail.length, tail);
            long footer = tail.length < PARQUET_TAIL ? 0
                    : Integer.toUnsignedLong(ByteBuffer.wrap(tail).order(ByteOrder.LITTLE_ENDIAN).getInt());
            long begin = Math.max(0, size - PARQUET_TAIL - footer);
            in.seek(begin);
            out.position(begin);
            byte[] piece = new byte[BUFFER];
            for (int n = in.read(piece); n > 0; n = in.read(piece)) {
                out.write(ByteBuffer.wrap(piece, 0, n));
            }
        }
    }

    @Override
    public void close() throws IOException {
        if (copy != null) {
            Files.deleteIfExists(copy);
        }
    }
}
