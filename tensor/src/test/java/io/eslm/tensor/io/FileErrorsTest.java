// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.io;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.tensor.UserError;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

class FileErrorsTest {
    @TempDir
    Path folder;

    private static String message(Path path, Executable access) {
        IOException e = assertThrows(IOException.class, access);
        UserError error = FileErrors.failed("read", path, e);
        assertSame(e, error.getCause());
        return error.getMessage();
    }

    /** Errors as the file system raises them. */
    @Test
    void whatIsThereOrNotIsSaid() throws IOException {
        Path file = Files.writeString(folder.resolve("a"), "x");
        Path missing = folder.resolve("none");
        assertEquals("cannot read " + missing + ": no such file or folder",
                message(missing, () -> Files.readString(missing)));
        Path deep = missing.resolve("b");
        assertEquals("cannot read " + deep + ": there is no folder " + missing,
                message(deep, () -> Files.readString(deep)));
        assertEquals("cannot read " + folder + ": it is a folder", message(folder, () -> Files.readString(folder)));
        assertEquals("cannot read " + file + ": " + file + " is a file, not a folder",
                message(file, () -> Files.createDirectories(file)));
        assertEquals("cannot read " + file + ": it is a file, not a folder", message(file, () -> {
            try (Stream<Path> all = Files.list(file)) {
                assertEquals(0, all.count());
            }
        }));
        Path below = file.resolve("b");
        assertEquals("cannot read " + below + ": a part of its path is a file, not a folder",
                message(below, () -> Files.readString(below)));
        assertEquals("cannot read " + folder + ": the folder is not empty",
                message(folder, () -> Files.delete(folder)));
        Path latin = Files.write(folder.resolve("latin"), new byte[] {(byte) 0xfc});
        assertEquals("cannot read " + latin + ": it is not text in UTF-8",
                message(latin, () -> Files.readString(latin)));
    }

    @Test
    void adviceFitsTheReason() {
        Path file = folder.resolve("a");
        assertEquals("cannot write " + file + ": permission denied. Check its permissions",
                FileErrors.failed("write", file, new AccessDeniedException(file.toString())).getMessage());
        assertEquals("cannot write " + file + ": the disk is full. The old one is unchanged. Free some space, or choose"
                + " another place",
                FileErrors.failed("write", file, new FileSystemException(file.toString(), null,
                        "No space left on device"), "The old one is unchanged").getMessage());
        assertEquals("the disk is full", FileErrors.reason(new IOException("No space left on device")));
        assertEquals("Stale file handle", FileErrors.reason(new IOException("Stale file handle")));
        assertTrue(FileErrors.reason(new IOException()).contains("IOException"));
    }
}
