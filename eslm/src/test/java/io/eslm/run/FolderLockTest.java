// SPDX-License-Identifier: Apache-2.0
package io.eslm.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import io.eslm.tensor.UserError;
import io.eslm.tensor.io.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Locks within one process, and the ways to tell a dead holder. Two processes: {@code TwoProcessesTest}. */
class FolderLockTest {
    @TempDir
    private Path temp;

    private static FolderLock take(Path dir) {
        return FolderLock.take(dir, Optional.empty(), note -> {
            throw new AssertionError(note);
        });
    }

    /** Leaves {@code .holder.json} as a process that no longer runs here would have. */
    private Path left(String host, String boot, long pid, int secondsAgo) throws IOException {
        Path dir = Files.createDirectories(temp.resolve("run"));
        Path file = dir.resolve(LockHolder.FILE);
        JsonObject o = new JsonObject();
        o.addProperty("pid", pid);
        o.addProperty("host", host);
        o.addProperty("boot", boot);
        o.addProperty("started", "2020-01-01T00:00:00Z");
        o.addProperty("since", "2020-01-01T00:00:01Z");
        o.addProperty("command", "eslm train");
        Files.writeString(file, Json.pretty(o));
        Files.setLastModifiedTime(file, FileTime.from(Instant.now().minusSeconds(secondsAgo)));
        return dir;
    }

    @Test
    void oneProcessLocksAFolderOnce() throws IOException {
        Path dir = temp.resolve("run");
        Path same = Files.createSymbolicLink(temp.resolve("link"), dir);
        try (FolderLock lock = take(dir)) {
            lock.check();
            var e = assertThrows(UserError.class, () -> take(same));
            assertEquals("out dir " + same + ": this process uses it already. Choose another folder", e.getMessage());
        }
        assertFalse(Files.exists(dir), "nothing came into it");
        take(dir).close();
    }

    @Test
    void aFolderThatWasThereStays() throws IOException {
        Path dir = Files.createDirectory(temp.resolve("run"));
        take(dir).close();
        assertTrue(FolderLock.isUnused(dir));
        assertFalse(Files.exists(dir.resolve(LockHolder.FILE)));
    }

    @Test
    void aDeadProcessOfThisHostIsNoObstacle() throws IOException {
        Path dir = temp.resolve("me");
        FolderLock lock = take(dir);
        JsonObject me = Json.read(dir.resolve(LockHolder.FILE)).object();
        lock.close();
        String host = me.get("host").getAsString();
        String boot = me.get("boot").getAsString();
        take(left(host, boot, 1, 0)).close(); // process 1 lives, but started at another time
        take(left(host, boot, Integer.MAX_VALUE, 0)).close();
        take(left(host, "another-boot", 1, 90)).close();
        take(left("a-container", boot, 1, 90)).close();
    }

    /** This system cannot see its processes, and its locks may not reach here. */
    @Test
    void anotherHostIsAskedAbout() throws IOException {
        Path dir = left("far", "another-boot", 4711, 7);
        String message = assertThrows(UserError.class, () -> take(dir)).getMessage();
        assertTrue(message
                .matches("out dir .*: process 4711 on far uses it since 2020-01-01T00:00:01Z \\(eslm train\\), and "
                        + "showed life [789] s ago\\. This host cannot see whether that process is gone\\. If you know that it is, "
                        + "take over far lets you in; or choose another folder"),
                message);
        Path silent = left("far", "another-boot", 4711, 8000);
        message = assertThrows(UserError.class, () -> take(silent)).getMessage();
        assertTrue(message.contains(", but shows no life for 2 h. This host"), message);
        assertThrows(UserError.class, () -> FolderLock.take(silent, Optional.of("near"), _ -> {
        }));
        FolderLock.take(silent, Optional.of("far"), _ -> {
        }).close();
    }

    /** Half-written, or another's file of that name. */
    @Test
    void aHolderFileThatIsDamagedIsNoObstacle() throws IOException {
        Path dir = left("far", "another-boot", 1, 0);
        Files.writeString(dir.resolve(LockHolder.FILE), "{\"pid\":");
        take(dir).close();
    }

    /** Two default runs that start at once. */
    @Test
    void claimsAtOnceGetFoldersOfTheirOwn() throws Exception {
        Path usual = temp.resolve("runs/book-clm");
        List<Future<FolderLock>> all = new ArrayList<>();
        try (ExecutorService pool = Executors.newFixedThreadPool(4)) {
            for (int i = 0; i < 8; i++) {
                all.add(pool.submit(() -> RunFolder.claim(usual, _ -> {
                })));
            }
        }
        List<String> names = new ArrayList<>();
        for (Future<FolderLock> one : all) {
            names.add(one.get().folder().getFileName().toString());
        }
        assertEquals(
                List.of("book-clm", "book-clm-2", "book-clm-3", "book-clm-4", "book-clm-5", "book-clm-6", "book-clm-7",
                        "book-clm-8"),
                names.stream().sorted().toList());
        for (Future<FolderLock> one : all) {
            one.get().close();
        }
    }
}
