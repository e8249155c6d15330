// SPDX-License-Identifier: Apache-2.0
package io.eslm.spark.data;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/** A folder of any file system that Hadoop knows. A file there is whole or absent, whoever writes it how often. */
final class HadoopFolder {
    private static final int BUFFER = 1 << 16;

    private final Path folder;
    private final FileSystem files;

    HadoopFolder(String folder, Configuration conf) throws IOException {
        this.folder = new Path(folder);
        this.files = HadoopFile.system(this.folder, conf);
    }

    /** Writes a file. */
    @FunctionalInterface
    interface Writer {
        void write(DataOutputStream out) throws IOException;
    }

    /** Writes a file under another name, and then gives it its own, unless it has come meanwhile. */
    void write(String name, Writer writer) throws IOException {
        Path temporary = new Path(folder, "." + name + "-" + UUID.randomUUID());
        try {
            try (DataOutputStream out =
                    new DataOutputStream(new BufferedOutputStream(files.create(temporary, true), BUFFER))) {
                writer.write(out);
            }
            if (!has(name) && !files.rename(temporary, path(name)) && !has(name)) {
                throw new IOException("cannot rename " + temporary + " to " + name);
            }
        } finally {
            files.delete(temporary, false);
        }
    }

    DataInputStream read(String name) throws IOException {
        return read(name, 0);
    }

    /** The bytes from {@code begin} on. */
    DataInputStream read(String name, long begin) throws IOException {
        FSDataInputStream in = open(name);
        try {
            in.seek(begin);
        } catch (IOException e) {
            in.close();
            throw e;
        }
        return new DataInputStream(new BufferedInputStream(in, BUFFER));
    }

    /** To read at any place. */
    FSDataInputStream open(String name) throws IOException {
        return files.open(path(name));
    }

    boolean has(String name) throws IOException {
        return files.exists(path(name));
    }

    long size(String name) throws IOException {
        return files.getFileStatus(path(name)).getLen();
    }

    void make() throws IOException {
        files.mkdirs(folder);
    }

    /** Whether there is something else of that name. */
    boolean isFile() throws IOException {
        try {
            return files.getFileStatus(folder).isFile();
        } catch (FileNotFoundException _) {
            return false;
        }
    }

    /** The names in it, none if it is not there. */
    List<String> names() throws IOException {
        List<String> names = new ArrayList<>();
        if (files.exists(folder)) {
            for (FileStatus status : files.listStatus(folder)) {
                names.add(status.getPath().getName());
            }
        }
        return names;
    }

    void delete(String name) throws IOException {
        files.delete(path(name), true);
    }

    /** Moves a file here, in the place of one that has its name. */
    void take(HadoopFolder from, String name) throws IOException {
        files.delete(path(name), false);
        if (!files.rename(from.path(name), path(name))) {
            throw new IOException("cannot move " + from.path(name) + " to " + folder);
        }
    }

    private Path path(String name) {
        return new Path(folder, name);
    }

    @Override
    public String toString() {
        return HadoopFile.isLocal(files.getUri()) ? Path.getPathWithoutSchemeAndAuthority(folder).toString()
                : folder.toString();
    }
}
