// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.io;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.tensor.UserError;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AtomicFilesTest {
    @TempDir
    Path folder;

    private List<String> names() throws IOException {
        try (var files = Files.list(folder)) {
            return files.map(f -> f.getFileName().toString()).sorted().toList();
        }
    }

    @Test
    void createsAndReplaces() throws IOException {
        Path target = folder.resolve("config.json");
        AtomicFiles.writeString(target, "old");
        AtomicFiles.writeString(target, "new ü");
        assertEquals("new ü", Files.readString(target));
        assertEquals(List.of("config.json"), names());
    }

    @Test
    void theOldFileIsWholeUntilTheNewOneIs() throws IOException {
        Path target = folder.resolve("a.bin");
        AtomicFiles.writeString(target, "old");
        AtomicFiles.write(target, out -> {
            out.write(new byte[200_000]);
            out.flush();
            assertEquals("old", Files.readString(target));
        });
        assertEquals(200_000, Files.size(target));
    }

    @Test
    void aFullDeviceLeavesTheOldFile() throws IOException {
        Path target = folder.resolve("a.bin");
        AtomicFiles.writeString(target, "old");
        UserError e = assertThrows(UserError.class, () -> AtomicFiles.write(target, out -> {
            out.write(new byte[200_000]);
            throw new IOException("No space left on device");
        }));
        assertEquals(
                "cannot write " + target + ": the disk is full. What was there before is unchanged. Free some space,"
                        + " or choose another place",
                e.getMessage());
        assertEquals("old", Files.readString(target));
        assertEquals(List.of("a.bin"), names());
        assertThrows(UserError.class, () -> AtomicFiles.write(target, out -> {
            throw new UncheckedIOException(new IOException("wrapped"));
        }));
    }

    @Test
    void otherExceptionsPassThroughAndLeaveTheOldFile() throws IOException {
        Path target = folder.resolve("a.bin");
        AtomicFiles.writeString(target, "old");
        var bug = new IllegalStateException("bug");
        assertSame(bug, assertThrows(IllegalStateException.class, () -> AtomicFiles.write(target, out -> {
            throw bug;
        })));
        assertEquals("old", Files.readString(target));
        assertEquals(List.of("a.bin"), names());
    }

    @Test
    void aMissingFolderIsNamed() {
        Path target = folder.resolve("missing").resolve("a.bin");
        UserError e = assertThrows(UserError.class, () -> AtomicFiles.writeString(target, "x"));
        assertEquals("cannot write " + target + ": there is no folder " + target.getParent(), e.getMessage());
    }

    @Test
    void aFolderInThePlaceOfTheFileStays() throws IOException {
        Path target = Files.createDirectory(folder.resolve("run"));
        Files.writeString(target.resolve("kept"), "x");
        assertThrows(UserError.class, () -> AtomicFiles.writeString(target, "x"));
        assertEquals(List.of("run"), names());
        assertTrue(Files.exists(target.resolve("kept")));
    }

    /** What was written, as read back; also through more than one buffer. */
    @Test
    void returnsTheChecksum() throws IOException {
        Path target = folder.resolve("a.bin");
        FileSum sum = AtomicFiles.write(target, out -> {
            out.write("123456789".getBytes(StandardCharsets.US_ASCII));
        });
        assertEquals("cbf43926", sum.hex(), "the check value of CRC-32");
        assertEquals(9, sum.bytes());
        assertEquals(FileSum.of(target), sum);
        FileSum large = AtomicFiles.write(target, out -> {
            out.write(1);
            out.write(new byte[200_000]);
        });
        assertEquals(FileSum.of(target), large);
        assertEquals(200_001, large.bytes());
    }

    /** Of killed processes; files that others named are left alone. */
    @Test
    void removesLeftovers() throws IOException {
        Path left = folder.resolve(".config.json." + UUID.randomUUID() + ".tmp");
        Files.writeString(left, "{");
        Files.writeString(folder.resolve(".config.json.tmp"), "mine");
        Files.writeString(folder.resolve("config.json"), "{}");
        AtomicFiles.removeLeftovers(folder, Duration.ofHours(1));
        assertTrue(Files.exists(left), "a process may be writing it");
        AtomicFiles.removeLeftovers(folder, Duration.ZERO);
        assertEquals(List.of(".config.json.tmp", "config.json"), names());
        AtomicFiles.removeLeftovers(folder.resolve("none"), Duration.ZERO);
    }
}
