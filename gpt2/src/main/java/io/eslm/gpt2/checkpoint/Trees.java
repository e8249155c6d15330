// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.checkpoint;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.stream.Stream;

/** Removes folders that are no longer needed; what cannot be removed is reported and stays. */
final class Trees {
    private static final System.Logger LOG = System.getLogger(Trees.class.getName());

    private Trees() {
    }

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
}
