// SPDX-License-Identifier: Apache-2.0
package io.eslm.run;

import io.eslm.gpt2.option.OptionError;
import io.eslm.tensor.UserError;
import io.eslm.tensor.io.FileErrors;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * Keeps a folder to one process. The lock is the operating system's, on {@value #LOCK}, so it ends with its process, however that
 * ends. {@value LockHolder#FILE} says who has it, and shows life while the process runs: on a file system that machines share,
 * their locks may not see each other.
 *
 * <p>Readers need no lock.
 */
public final class FolderLock implements AutoCloseable {
    static final String LOCK = ".lock";
    private static final Duration BEAT = Duration.ofSeconds(15);
    /** How long to wait for the lock of a process that is known to be gone: what stops it may give it 10 s. */
    private static final Duration ENDING = Duration.ofSeconds(30);
    private static final long TICK_MS = 100;
    /** Folders locked by this process, whose file locks do not see each other. */
    private static final Set<Path> HELD = ConcurrentHashMap.newKeySet();

    private final Path folder;
    private final boolean made;
    private final Path real;
    /** Null where nothing can be locked. */
    private final FileChannel channel;
    private final LockHolder me = LockHolder.ofThisProcess();
    private final Thread heart = Thread.ofPlatform().daemon().name("folder lock").unstarted(this::beat);
    private volatile LockHolder successor;

    private FolderLock(Path folder, boolean made, Path real, FileChannel channel) {
        this.folder = folder;
        this.made = made;
        this.real = real;
        this.channel = channel;
    }

    /**
     * Locks {@code folder}, and makes it if it does not exist.
     *
     * @param takeOver a host whose lock does not count, because its process is known to be gone; if that is about to end, waits for
     *        it
     * @param notes hears it if the file system cannot lock; the folder can be used all the same
     * @throws OptionError naming the holder, if there is one
     */
    public static FolderLock take(Path folder, Optional<String> takeOver, Consumer<String> notes) {
        boolean made = make(folder);
        Path real = real(folder);
        if (!HELD.add(real)) {
            throw new OptionError(Run.OUT_DIR, folder, "this process uses it already. Choose another folder");
        }
        FileChannel channel = null;
        try {
            Duration patience = takeOver.equals(host(folder)) && takeOver.isPresent() ? ENDING : Duration.ZERO;
            channel = open(folder, patience, notes);
            boolean locked = channel != null;
            LockHolder.read(folder)
                    .filter(there -> !there.isGone(locked) && takeOver.filter(there.host()::equals).isEmpty())
                    .ifPresent(there -> {
                        throw new OptionError(Run.OUT_DIR, folder, there.elsewhere());
                    });
            FolderLock lock = new FolderLock(folder, made, real, channel);
            lock.me.write(folder, notes);
            lock.heart.start();
            return lock;
        } catch (RuntimeException e) {
            release(real, channel);
            throw e;
        }
    }

    /** The host of the process that has {@code folder}, or had it when it was killed; empty if none says so. */
    public static Optional<String> host(Path folder) {
        return LockHolder.read(folder).map(LockHolder::host);
    }

    private static boolean make(Path folder) {
        try {
            Path parent = folder.toAbsolutePath().getParent();
            if (parent != null) {
                Files.createDirectories(parent);
            }
            Files.createDirectory(folder);
            return true;
        } catch (FileAlreadyExistsException e) {
            if (Files.isDirectory(folder)) {
                return false;
            }
            throw FileErrors.failed("create the folder", folder, e);
        } catch (IOException e) {
            throw FileErrors.failed("create the folder", folder, e);
        }
    }

    private static Path real(Path folder) {
        try {
            return folder.toRealPath();
        } catch (IOException e) {
            throw FileErrors.failed("read", folder, e);
        }
    }

    /** The locked file; null, with a note, if it cannot be locked. */
    private static FileChannel open(Path folder, Duration patience, Consumer<String> notes) {
        FileChannel channel = null;
        boolean free = false;
        try {
            channel = FileChannel.open(folder.resolve(LOCK), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            free = lock(channel, patience);
            if (free) {
                channel.write(ByteBuffer.wrap(new byte[] {'\n'}), 0); // the file server's time, to compare with the holder's
                return channel;
            }
        } catch (IOException e) {
            close(channel);
            notes.accept("cannot lock " + folder + " (" + FileErrors.reason(e)
                    + "), so nothing keeps another process out of it");
            return null;
        }
        close(channel);
        throw new OptionError(Run.OUT_DIR, folder, LockHolder.read(folder).map(LockHolder::alive)
                .orElse("another process uses it") + ". Wait until it ends, or choose another folder");
    }

    /** False if another process has the lock, and keeps it for {@code patience}. */
    private static boolean lock(FileChannel channel, Duration patience) throws IOException {
        long deadline = System.nanoTime() + patience.toNanos();
        while (channel.tryLock() == null) {
            if (System.nanoTime() >= deadline || Thread.currentThread().isInterrupted()) {
                return false;
            }
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(TICK_MS));
        }
        return true;
    }

    /** The folder. */
    public Path folder() {
        return folder;
    }

    /** @throws UserError if another process has taken the folder over, so that this one must not write to it */
    public void check() {
        LockHolder other = successor;
        if (other != null) {
            throw new UserError(folder + " was taken over while this process showed no life: " + other.alive()
                    + ". This process stops without saving; what it saved before is there");
        }
    }

    private void beat() {
        try {
            while (true) {
                Thread.sleep(BEAT);
                Optional<LockHolder> there = LockHolder.read(folder);
                if (there.isPresent() && !there.get().equals(me)) {
                    successor = there.get();
                    return;
                }
                LockHolder.touch(folder);
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt(); // closed
        }
    }

    /** Lets others in. Deletes the folder if it was made for this lock and nothing came into it. */
    @Override
    public void close() {
        heart.interrupt();
        try {
            if (LockHolder.read(folder).filter(me::equals).isPresent()) {
                LockHolder.delete(folder);
            }
            if (made && isUnused(folder)) {
                Files.deleteIfExists(folder.resolve(LOCK));
                Files.deleteIfExists(folder);
            }
        } catch (IOException _) {
            // an empty folder stays
        } finally {
            release(real, channel);
        }
    }

    /** True if {@code folder} holds nothing but what a lock leaves. */
    static boolean isUnused(Path folder) {
        try (Stream<Path> all = Files.list(folder)) {
            return all.map(file -> file.getFileName().toString())
                    .allMatch(name -> name.equals(LOCK) || name.equals(LockHolder.FILE));
        } catch (IOException _) {
            return false;
        }
    }

    private static void release(Path real, FileChannel channel) {
        close(channel);
        HELD.remove(real);
    }

    private static void close(FileChannel channel) {
        try {
            if (channel != null) {
                channel.close();
            }
        } catch (IOException _) {
            // the system closes it with the process
        }
    }
}
