// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.io;

import io.eslm.tensor.UserError;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.stream.Stream;

/** Makes and deletes whole folders. */
public final class FileTrees {
    private static final System.Logger LOG = System.getLogger(FileTrees.class.getName());

    private FileTrees() {
    }

    /**
     * Makes a folder and those above it; returns it.
     *
     * @throws UserError if it cannot be made
     */
    public static Path make(Path dir) {
        try {
            return Files.createDirectories(dir);
        } catch (IOException e) {
            throw FileErrors.failed("create the folder", dir, e);
        }
    }

    /** Deletes a folder with all its files, if it exists. Logs a warning if something cannot be deleted. */
    public static void delete(Path root) {
        if (!Files.exists(root)) {
            return;
        }
        try (Stream<Path> all = Files.walk(root)) {
            for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(path);
            }
        } catch (IOException | UncheckedIOException e) {
            LOG.log(Level.WARNING, "cannot delete {0}, which is no longer needed: {1}", root, e);
        }
    }

    /** Deletes a folder when the program ends, even if it is interrupted. */
    public static void deleteAtExit(Path root) {
        Runtime.getRuntime().addShutdownHook(new Thread(() -> delete(root)));
    }
}
