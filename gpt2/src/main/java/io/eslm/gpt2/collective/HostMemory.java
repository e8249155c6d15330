// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.collective;

import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import java.util.UUID;

/**
 * Memory that two ranks of one host share: a file that both map. One rank makes it and tells the other its name; when that one has
 * mapped it, the file is deleted, and the memory lasts as long as one of the two does.
 */
final class HostMemory {
    private static final Path SHM = Path.of("/dev/shm");
    /** Whoever says a name of another kind gets no file opened, and none deleted. */
    static final String NAMES = "eslm-rank-[0-9a-f-]{36}";

    private static final String NAME = "memory";
    private static final String MAPPED = "mapped";

    private final String name;
    private final ByteBuffer bytes;

    private HostMemory(String name, ByteBuffer bytes) {
        this.name = name;
        this.bytes = bytes;
    }

    String name() {
        return name;
    }

    /** Where files lie in memory; or, if there is no such place, where files may come and go. */
    static Path folder() {
        return Files.isDirectory(SHM) && Files.isWritable(SHM) ? SHM : Path.of(System.getProperty("java.io.tmpdir"));
    }

    /** Sends {@code reply}, and with it the name of new memory; null if this rank or the other one cannot have it. */
    static Rings offer(Session session, JsonObject reply, int size) throws IOException {
        HostMemory memory = make(size);
        if (memory == null) {
            session.send(reply);
            return null;
        }
        try {
            reply.addProperty(NAME, memory.name);
            session.send(reply);
            return session.receive().get(MAPPED).getAsBoolean() ? memory.rings(true) : null;
        } finally {
            delete(folder().resolve(memory.name));
        }
    }

    /** Hears a reply, and takes the memory that it offers; null if it offers none, or this rank cannot have it. */
    static Rings take(Session session, JsonObject reply, int size) throws IOException {
        if (!reply.has(NAME)) {
            return null;
        }
        HostMemory memory = open(reply.get(NAME).getAsString(), size);
        JsonObject answer = new JsonObject();
        answer.addProperty(MAPPED, memory != null);
        session.send(answer);
        return memory == null ? null : memory.rings(false);
    }

    /** New memory of zeros, which only this user can open; null if this system gives none. */
    static HostMemory make(int size) {
        if (Boolean.getBoolean(Door.SOCKET_ONLY)) {
            return null;
        }
        String name = "eslm-rank-" + UUID.randomUUID();
        Path file = folder().resolve(name);
        try (FileChannel channel = FileChannel.open(file,
                Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.READ, StandardOpenOption.WRITE),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")))) {
            // Written, so that a file system that is full says so now: later it would end the process.
            ByteBuffer zeros = ByteBuffer.allocate(size);
            while (zeros.hasRemaining()) {
                channel.write(zeros);
            }
            return new HostMemory(name, channel.map(FileChannel.MapMode.READ_WRITE, 0, size));
        } catch (IOException | UnsupportedOperationException _) {
            delete(file);
            return null;
        }
    }

    /** What another rank has made, under the name that it says, and deletes the file; null if this rank cannot have it. */
    static HostMemory open(String name, int size) {
        if (Boolean.getBoolean(Door.SOCKET_ONLY) || !name.matches(NAMES)) {
            return null;
        }
        Path file = folder().resolve(name);
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE,
                LinkOption.NOFOLLOW_LINKS)) {
            return channel.size() != size ? null
                    : new HostMemory(name, channel.map(FileChannel.MapMode.READ_WRITE, 0, size));
        } catch (IOException | UnsupportedOperationException _) {
            return null;
        } finally {
            delete(file);
        }
    }

    private static void delete(Path file) {
        try {
            Files.deleteIfExists(file);
        } catch (IOException _) {
            // nobody can do more
        }
    }

    /**
     * A ring each way.
     *
     * @param capacity bytes of each that can be under way
     */
    record Rings(Ring out, Ring in, int capacity) {
    }

    /** The rings in this memory, as the rank sees them that made it, or the other one. */
    Rings rings(boolean maker) {
        int half = bytes.capacity() / 2;
        Ring first = new Ring(bytes.slice(0, half), maker);
        Ring second = new Ring(bytes.slice(half, half), !maker);
        return new Rings(maker ? first : second, maker ? second : first, first.capacity());
    }
}
