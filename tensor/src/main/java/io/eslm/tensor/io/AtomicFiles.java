// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.io;

import io.eslm.tensor.UserError;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.lang.System.Logger.Level;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.util.UUID;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import java.util.zip.CheckedOutputStream;

/**
 * Replaces files as a whole or not at all: writes under a temporary name in the same folder, forces that to the device, then
 * moves it into place. If anything fails, the old file stays as it was and the temporary one is removed. A process that is killed
 * leaves its temporary file behind, at most: {@link #removeLeftovers}.
 */
public final class AtomicFiles {
    private static final Pattern LEFTOVER = Pattern.compile("\\..+\\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\\.tmp");
    private static final System.Logger LOG = System.getLogger(AtomicFiles.class.getName());

    private AtomicFiles() {
    }

    /** Writes the contents; the stream is buffered, and the caller flushes and closes it. */
    @FunctionalInterface
    public interface Body {
        void writeTo(OutputStream out) throws IOException;
    }

    /**
     * Replaces {@code target} with what {@code body} writes.
     *
     * @return the checksum of what was written, computed on the way to the device
     * @throws UserError if the file cannot be written; anything else that {@code body} throws passes through
     */
    public static FileSum write(Path target, Body body) {
        Path file = target.toAbsolutePath();
        Path temporary = file.resolveSibling("." + file.getFileName() + "." + UUID.randomUUID() + ".tmp");
        try {
            FileSum sum = fill(temporary, body);
            Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE);
            force(file.getParent());
            return sum;
        } catch (IOException e) {
            throw failed(target, e);
        } catch (UncheckedIOException e) {
            throw failed(target, e.getCause());
        } finally {
            discard(temporary);
        }
    }

    /** Replaces {@code target} with {@code text} in UTF-8. */
    public static void writeString(Path target, String text) {
        write(target, out -> out.write(text.getBytes(StandardCharsets.UTF_8)));
    }

    private static UserError failed(Path target, IOException e) {
        return FileErrors.failed("write", target, e, Files.exists(target) ? "What was there before is unchanged" : "");
    }

    private static FileSum fill(Path temporary, Body body) throws IOException {
        CRC32 crc = new CRC32();
        try (FileChannel channel = FileChannel.open(temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
                OutputStream out = new BufferedOutputStream(
                        new CheckedOutputStream(Channels.newOutputStream(channel), crc), 1 << 16)) {
            body.writeTo(out);
            out.flush();
            channel.force(true);
            return new FileSum(channel.size(), crc.getValue());
        }
    }

    /**
     * Deletes temporary files that killed processes left in {@code dir}, if it exists. Nothing is lost by that: the files that
     * they were to replace are whole.
     *
     * @param age how long they must have been untouched; zero where no other process can be writing
     */
    public static void removeLeftovers(Path dir, Duration age) {
        if (!Files.isDirectory(dir)) {
            return;
        }
        Instant latest = Instant.now().minus(age);
        try (Stream<Path> files = Files.list(dir)) {
            for (Path file : files.filter(f -> LEFTOVER.matcher(f.getFileName().toString()).matches()).toList()) {
                if (!Files.getLastModifiedTime(file).toInstant().isAfter(latest)) {
                    Files.deleteIfExists(file);
                }
            }
        } catch (IOException | UncheckedIOException e) {
            LOG.log(Level.WARNING, "cannot remove temporary files in {0}: {1}", dir, e);
        }
    }

    /** Makes the names in a folder durable, after files were moved into it; where the system can open a folder. */
    public static void force(Path folder) {
        try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
            channel.force(true);
        } catch (IOException e) {
            // this system does not open folders, and orders renames by itself
        }
    }

    private static void discard(Path temporary) {
        try {
            Files.deleteIfExists(temporary);
        } catch (IOException e) {
            // the error that is on its way says more
        }
    }
}
