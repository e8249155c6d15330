// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;

/** Writes the tokens of one part of a prepared folder: one file, or shards of equal size if there are more tokens. */
final class ShardWriter implements AutoCloseable {
    private final Path folder;
    private final String part;
    private final int width;
    private final long shardBytes;
    private final List<Path> files = new ArrayList<>();
    private FileChannel open;
    private long bytes;

    /**
     * @param part {@value TokenFolder#TRAIN_PART} or {@value TokenFolder#VAL_PART}
     * @param width bytes of a token
     * @param shardTokens most tokens of a file
     */
    ShardWriter(Path folder, String part, int width, long shardTokens) throws IOException {
        this.folder = folder;
        this.part = part;
        this.width = width;
        this.shardBytes = width * shardTokens;
        next();
    }

    /** Copies tokens {@code [begin, end)} of a file without a header. */
    void copy(FileChannel from, long begin, long end) throws IOException {
        for (long at = width * begin; at < width * end;) {
            if (open.position() == shardBytes) {
                next();
            }
            long n = from.transferTo(at, Math.min(width * end - at, shardBytes - open.position()), open);
            at += n;
            bytes += n;
        }
    }

    private void next() throws IOException {
        close();
        files.add(folder.resolve(TokenFolder.shard(part, files.size())));
        open = FileChannel.open(files.getLast(), StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING,
                StandardOpenOption.WRITE);
    }

    /** Tokens so far. */
    long tokens() {
        return bytes / width;
    }

    /** Ends the writing; returns the names of the files, none without tokens. */
    List<String> finish() throws IOException {
        close();
        if (bytes == 0) {
            Files.delete(files.getFirst());
            return List.of();
        }
        if (files.size() == 1) {
            files.set(0, Files.move(files.getFirst(), folder.resolve(TokenFolder.whole(part))));
        }
        return files.stream().map(file -> file.getFileName().toString()).toList();
    }

    @Override
    public void close() throws IOException {
        if (open != null && open.isOpen()) {
            open.force(false);
            open.close();
        }
    }
}
