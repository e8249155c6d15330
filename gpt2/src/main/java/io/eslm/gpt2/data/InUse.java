// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

import io.eslm.tensor.io.FileTrees;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.Map;

/**
 * Which folders and files of a cache a live process uses. A user holds a shared lock until its process ends, however it ends;
 * whoever deletes takes an exclusive one. So nothing is deleted that is in use, and what a killed process left is free.
 */
final class InUse {
    private static final String LOCK = ".in-use";
    /** A process must not open and close a file that it has locked: that would release the lock. */
    private static final Map<Path, FileChannel> HELD = new HashMap<>();

    private InUse() {
    }

    /** Marks {@code entry} until this process ends. Without effect where the system has no locks. */
    static synchronized void hold(Path entry) {
        if (HELD.containsKey(entry)) {
            return;
        }
        try {
            FileChannel channel = open(entry);
            channel.lock(0, Long.MAX_VALUE, true);
            HELD.put(entry, channel);
        } catch (IOException | UnsupportedOperationException | OverlappingFileLockException _) {
            // a cache on a disk without locks, or one that only others may write
        }
    }

    /** {@code entry} is not used any more. */
    static synchronized void release(Path entry) {
        close(HELD.remove(entry));
    }

    /** What is held under the name {@code from} has a new name. */
    static synchronized void moved(Path from, Path to) {
        FileChannel channel = HELD.remove(from);
        if (channel != null) {
            close(HELD.put(to, channel));
        }
    }

    /** True if a process has ever held {@code folder}. */
    static boolean wasHeld(Path folder) {
        return Files.exists(folder.resolve(LOCK));
    }

    /** Deletes {@code entry} unless a live process uses it; returns whether it did. */
    static synchronized boolean deleteUnlessUsed(Path entry) {
        if (HELD.containsKey(entry)) {
            return false;
        }
        try (FileChannel channel = open(entry); FileLock lock = channel.tryLock()) {
            if (lock == null) {
                return false;
            }
            FileTrees.delete(entry);
            return true;
        } catch (IOException | OverlappingFileLockException _) {
            return false;
        }
    }

    private static FileChannel open(Path entry) throws IOException {
        return Files.isDirectory(entry)
                ? FileChannel.open(entry.resolve(LOCK), StandardOpenOption.CREATE, StandardOpenOption.READ,
                        StandardOpenOption.WRITE)
                : FileChannel.open(entry, StandardOpenOption.READ, StandardOpenOption.WRITE);
    }

    private static void close(FileChannel channel) {
        try {
            if (channel != null) {
                channel.close();
            }
        } catch (IOException _) {
            // its lock ends with the process
        }
    }
}
