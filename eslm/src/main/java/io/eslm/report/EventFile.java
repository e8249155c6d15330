// SPDX-License-Identifier: Apache-2.0
package io.eslm.report;

import io.eslm.tensor.io.FileErrors;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.zip.CRC32C;

/**
 * An event file of TensorBoard: records, each the length of its data (64 bits), a checksum of the length, the data, and a
 * checksum of the data, little-endian. The checksum is a CRC-32C, rotated and shifted by a constant, so that the checksum of data
 * that holds checksums is still a good one. Every record is written at once: a killed process leaves at most half a record at the
 * end, which readers ignore.
 */
final class EventFile implements AutoCloseable {
    private static final String PREFIX = "events.out.tfevents.";
    private static final Pattern NAME = Pattern.compile(Pattern.quote(PREFIX) + "(\\d{1,18})\\..*");
    private static final int MASK_DELTA = 0xa282ead8;
    private static final int EXTRA = Long.BYTES + 2 * Integer.BYTES;

    private final Path path;
    private final FileChannel channel;

    private EventFile(Path path, FileChannel channel) {
        this.path = path;
        this.channel = channel;
    }

    /** Makes a file in {@code folder} whose name follows those of all event files there: readers go by the order of names. */
    static EventFile after(Path folder, long seconds) {
        long last = in(folder).stream().mapToLong(EventFile::seconds).max().orElse(0);
        Path path = folder.resolve(name(Math.max(seconds, last + 1)));
        try {
            return new EventFile(path,
                    FileChannel.open(path, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE));
        } catch (IOException e) {
            throw FileErrors.failed("write", path, e);
        }
    }

    /** The name of a file that begins at {@code seconds} since 1970. */
    static String name(long seconds) {
        return PREFIX + seconds + ".eslm";
    }

    /** The name of a copy of such a file, which no run that trains ever takes. */
    static String copyName(long seconds) {
        return PREFIX + seconds + ".copy.eslm";
    }

    /** The event files in {@code folder}. */
    static List<Path> in(Path folder) {
        if (!Files.isDirectory(folder)) {
            return List.of();
        }
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(file -> NAME.matcher(file.getFileName().toString()).matches()).sorted().toList();
        } catch (IOException e) {
            throw FileErrors.failed("read", folder, e);
        }
    }

    private static long seconds(Path file) {
        Matcher name = NAME.matcher(file.getFileName().toString());
        return name.matches() ? Long.parseLong(name.group(1)) : 0;
    }

    /** The record of {@code event}. */
    static byte[] record(byte[] event) {
        ByteBuffer bytes = ByteBuffer.allocate(event.length + EXTRA).order(ByteOrder.LITTLE_ENDIAN);
        bytes.putLong(event.length);
        bytes.putInt(checksum(bytes.array(), Long.BYTES));
        bytes.put(event).putInt(checksum(event, event.length));
        return bytes.array();
    }

    private static int checksum(byte[] bytes, int n) {
        CRC32C crc = new CRC32C();
        crc.update(bytes, 0, n);
        return Integer.rotateRight((int) crc.getValue(), 15) + MASK_DELTA;
    }

    /** Appends the record of {@code event}. */
    void write(byte[] event) {
        ByteBuffer bytes = ByteBuffer.wrap(record(event));
        try {
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
        } catch (IOException e) {
            throw FileErrors.failed("write", path, e);
        }
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw FileErrors.failed("write", path, e);
        }
    }
}
