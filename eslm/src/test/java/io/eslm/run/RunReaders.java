// SPDX-License-Identifier: Apache-2.0
package io.eslm.run;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The readers of this package, on the bytes of a file. */
public final class RunReaders {
    private RunReaders() {
    }

    /** Who has a folder, and what is said about it. */
    public static void holder(byte[] bytes, Path folder) throws IOException {
        Files.write(folder.resolve(LockHolder.FILE), bytes);
        LockHolder.read(folder).ifPresent(holder -> {
            holder.isGone(true);
            holder.elsewhere();
        });
    }
}
