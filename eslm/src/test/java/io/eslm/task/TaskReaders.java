// SPDX-License-Identifier: Apache-2.0
package io.eslm.task;

import io.eslm.gpt2.data.source.Records;
import io.eslm.tensor.UserError;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Readers of this package, for the fuzzer. */
public final class TaskReaders {
    private TaskReaders() {
    }

    /** A file of examples, read as each task's. */
    public static void examples(byte[] bytes, Path folder) throws IOException {
        Path file = Files.write(folder.resolve("examples"), bytes);
        UserError refused = null;
        for (Task task : Task.values()) {
            try {
                task.read(file, Integer.MAX_VALUE);
            } catch (UserError e) {
                refused = e;
            }
        }
        if (refused != null) {
            throw refused;
        }
    }

    /** All columns of a Parquet file, lists and structs too. */
    public static void rows(byte[] bytes, Path folder) throws IOException {
        Records.read(Files.write(folder.resolve("rows"), bytes), Long.MAX_VALUE);
    }
}
