// SPDX-License-Identifier: Apache-2.0
package io.eslm.report;

import com.google.gson.JsonObject;
import io.eslm.tensor.UserError;
import io.eslm.tensor.io.AtomicFiles;
import io.eslm.tensor.io.FileErrors;
import io.eslm.tensor.io.Json;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** A file of JSON lines, each with a "step", in the order of the steps; each line is written at once. */
public final class StepLog implements AutoCloseable {
    private final Path file;
    private final FileChannel channel;

    private StepLog(Path file) {
        this.file = file;
        try {
            channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE,
                    StandardOpenOption.APPEND);
        } catch (IOException e) {
            throw FileErrors.failed("write", file, e);
        }
    }

    /** Appends to {@code file}, and makes it if it is not there. */
    public static StepLog append(Path file) {
        return new StepLog(file);
    }

    /**
     * Drops what follows {@code step}, and half a line at the end. No file is an empty one.
     *
     * @throws UserError naming the line if the file is damaged before its end
     */
    static void cut(Path file, long step) {
        if (!Files.exists(file) || step == 0 && size(file) == 0) {
            return;
        }
        if (step == 0) {
            AtomicFiles.writeString(file, ""); // another file, so that pages notice
        } else {
            AtomicFiles.write(file, out -> MetricsFile.read(file, line -> {
                if (line.count("step") <= step) {
                    out.write((Json.line(line.object()) + "\n").getBytes(StandardCharsets.UTF_8));
                }
            }));
        }
    }

    private static long size(Path file) {
        try {
            return Files.size(file);
        } catch (IOException e) {
            throw FileErrors.failed("read", file, e);
        }
    }

    /** Appends a line. */
    public void write(JsonObject line) {
        ByteBuffer bytes = ByteBuffer.wrap((Json.line(line) + "\n").getBytes(StandardCharsets.UTF_8));
        try {
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
        } catch (IOException e) {
            throw FileErrors.failed("write", file, e);
        }
    }

    /** Makes the lines so far durable. */
    void force() {
        try {
            channel.force(false);
        } catch (IOException e) {
            throw FileErrors.failed("write", file, e);
        }
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw FileErrors.failed("write", file, e);
        }
    }
}
