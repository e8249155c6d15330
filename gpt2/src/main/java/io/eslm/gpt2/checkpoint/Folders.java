// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.checkpoint;

import io.eslm.tensor.UserError;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.System.Logger.Level;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import java.util.stream.Stream;

/** What java.nio.file leaves to do about folders. */
final class Folders {
    private static final System.Logger LOG = System.getLogger(Folders.class.getName());

    private Folders() {
    }

    /** Removes a folder and all in it; what cannot be removed is reported and stays. */
    static void delete(Path root) {
        if (!Files.exists(root)) {
            return;
        }
        try (Stream<Path> all = Files.walk(root)) {
            for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        } catch (IOException | UncheckedIOException e) {
            LOG.log(Level.WARNING, "{0} is not needed any more but cannot be removed: {1}", root, e);
        }
    }

    /** Makes the names in a folder durable, on systems where a folder can be opened. */
    static void force(Path dir) {
        try (FileChannel channel = FileChannel.open(dir, StandardOpenOption.READ)) {
            channel.force(true);
        } catch (IOException e) {
            LOG.log(Level.DEBUG, "this system does not open folders; it orders renames by itself", e);
        }
    }

    /** "WHAT cannot be written: why", and what to look at. */
    static UserError notWritten(String what, IOException e, String consequence) {
        String why = switch (e) {
            case AccessDeniedException _ -> "permission denied";
            case FileAlreadyExistsException exists -> exists.getFile() + " is not a folder";
            case FileSystemException other when other.getReason() != null -> other.getReason();
            default -> e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
        };
        return new UserError(what + " cannot be written: " + why + ". " + consequence
                + "Check the folder, its permissions and the free space", e);
    }
}
