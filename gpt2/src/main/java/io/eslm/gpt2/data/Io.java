// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

import io.eslm.tensor.UserError;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.stream.Stream;

/** File errors in the user's words. */
final class Io {
    private Io() {
    }

    /** "cannot read PATH: no permission", and the like. */
    static UserError failed(String doing, Path path, IOException e) {
        String reason = switch (e) {
            case AccessDeniedException _ -> "no permission";
            case NoSuchFileException _ -> "no such file or folder";
            default -> e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
        };
        return new UserError("cannot " + doing + " " + path + ": " + reason, e);
    }

    /** Deletes a folder and everything in it; what cannot be deleted stays. */
    static void deleteTree(Path root) {
        if (!Files.exists(root)) {
            return;
        }
        try (Stream<Path> all = Files.walk(root)) {
            all.sorted(Comparator.reverseOrder()).forEach(Io::deleteQuietly);
        } catch (IOException _) {
            // Best effort: a leftover under a temporary name is never read.
        }
    }

    /** Deletes a folder when the program ends, even when it is interrupted. */
    static void deleteTreeAtExit(Path root) {
        Runtime.getRuntime().addShutdownHook(new Thread(() -> deleteTree(root)));
    }

    private static void deleteQuietly(Path path) {
        try {
            Files.deleteIfExists(path);
        } catch (IOException _) {
            // As above.
        }
    }
}
