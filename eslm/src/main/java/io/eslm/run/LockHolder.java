// SPDX-License-Identifier: Apache-2.0
package io.eslm.run;

import com.google.gson.JsonObject;
import io.eslm.tensor.UserError;
import io.eslm.tensor.io.AtomicFiles;
import io.eslm.tensor.io.Json;
import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * The process that has a {@link FolderLock}, as {@value #FILE} in the folder describes it.
 *
 * @param boot of the host's operating system; "" if unknown
 * @param started when the process started
 * @param since when it took the folder
 * @param command its main class or program, with arguments
 * @param silent since it last showed life
 */
record LockHolder(long pid, String host, String boot, String started, String since, String command, Duration silent) {
    static final String FILE = ".holder.json";
    /** A process shows life four times as often. */
    private static final Duration GONE = Duration.ofMinutes(1);
    private static final Path BOOT = Path.of("/proc/sys/kernel/random/boot_id");

    static LockHolder ofThisProcess() {
        ProcessHandle process = ProcessHandle.current();
        return new LockHolder(process.pid(), hostName(), bootId(), started(process), now(),
                command(process.info()), Duration.ZERO);
    }

    private static String now() {
        return Instant.now().truncatedTo(ChronoUnit.SECONDS).toString();
    }

    private static String started(ProcessHandle process) {
        return process.info().startInstant().map(Instant::toString).orElse("");
    }

    private static String command(ProcessHandle.Info process) {
        String java = System.getProperty("sun.java.command", "");
        return java.isEmpty() ? process.command().orElse("unknown")
                : java.replaceFirst("^io\\.eslm\\.cli\\.Main\\b", "eslm");
    }

    private static String hostName() {
        try {
            return InetAddress.getLocalHost().getHostName();
        } catch (UnknownHostException _) {
            return Objects.requireNonNullElse(System.getenv("HOSTNAME"), "unknown");
        }
    }

    private static String bootId() {
        try {
            return Files.readString(BOOT).strip();
        } catch (IOException _) {
            return "";
        }
    }

    /** The holder that a folder names; empty if it names none, or the file is not to be understood. */
    static Optional<LockHolder> read(Path folder) {
        Path file = folder.resolve(FILE);
        try {
            if (!Files.exists(file)) {
                return Optional.empty();
            }
            Json json = Json.read(file);
            return Optional.of(new LockHolder(json.required("pid", Long.class), json.required("host", String.class),
                    json.required("boot", String.class), json.required("started", String.class),
                    json.required("since", String.class), json.required("command", String.class), silent(folder)));
        } catch (IOException | UserError _) {
            return Optional.empty();
        }
    }

    /** By the clock of the file system, if the lock's file was just written. */
    private static Duration silent(Path folder) throws IOException {
        Instant last = Files.getLastModifiedTime(folder.resolve(FILE)).toInstant();
        Path lock = folder.resolve(FolderLock.LOCK);
        Instant written = Files.exists(lock) ? Files.getLastModifiedTime(lock).toInstant() : Instant.MIN;
        Duration silent = Duration.between(last, written.isAfter(last) ? written : Instant.now());
        return silent.isNegative() ? Duration.ZERO : silent;
    }

    void write(Path folder, Consumer<String> notes) {
        JsonObject o = new JsonObject();
        o.addProperty("pid", pid);
        o.addProperty("host", host);
        o.addProperty("boot", boot);
        o.addProperty("started", started);
        o.addProperty("since", since);
        o.addProperty("command", command);
        try {
            AtomicFiles.writeString(folder.resolve(FILE), Json.pretty(o));
        } catch (UserError e) {
            notes.accept(e.getMessage() + ", so another process will not be told who uses " + folder);
        }
    }

    /** Shows life: writes a byte that is there, so that the file system, whose clock counts, dates the file. */
    static void touch(Path folder) {
        try (FileChannel file = FileChannel.open(folder.resolve(FILE), StandardOpenOption.WRITE)) {
            file.write(ByteBuffer.wrap(new byte[] {'{'}), 0);
        } catch (IOException _) {
            // the next beat tries again
        }
    }

    static void delete(Path folder) throws IOException {
        Files.deleteIfExists(folder.resolve(FILE));
    }

    /**
     * True if the process has certainly ended.
     *
     * @param locked whether the system has just given its lock to this process, where the holder's would have been in the way,
     *        had it been taken on this system
     */
    boolean isGone(boolean locked) {
        String here = bootId();
        boolean sameSystem = !boot.isEmpty() && boot.equals(here);
        boolean sameHost = host.equals(hostName());
        if (sameHost && (sameSystem || boot.isEmpty() || here.isEmpty())) {
            return !isAlive();
        }
        // A container of the same system, whose processes have other numbers; or this host before it was started again.
        return (sameSystem && locked || sameHost) && silent.compareTo(GONE) > 0;
    }

    private boolean isAlive() {
        return pid != ProcessHandle.current().pid()
                && ProcessHandle.of(pid).filter(process -> started(process).equals(started)).isPresent();
    }

    /** "process 4711 on ada uses it since …". */
    String alive() {
        return "process " + pid + " on " + host + " uses it since " + since + " (" + command + ")";
    }

    /** What to know and to do about a holder that this system cannot see. */
    String elsewhere() {
        String life = alive() + (silent.compareTo(GONE) > 0 ? ", but shows no life for " + ago()
                : ", and showed life " + ago() + " ago");
        if (host.equals(hostName())) {
            return life + ". Wait until it ends, or choose another folder";
        }
        return life + ". This host cannot see whether that process is gone. If you know that it is, "
                + Run.TAKE_OVER + " " + host + " lets you in; or choose another folder";
    }

    private String ago() {
        long seconds = silent.toSeconds();
        return seconds < 120 ? seconds + " s" : seconds < 7200 ? seconds / 60 + " min" : seconds / 3600 + " h";
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof LockHolder o && pid == o.pid && host.equals(o.host) && boot.equals(o.boot)
                && started.equals(o.started) && since.equals(o.since);
    }

    @Override
    public int hashCode() {
        return Objects.hash(pid, host, boot, started, since);
    }
}
