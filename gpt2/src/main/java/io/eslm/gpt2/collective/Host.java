// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.collective;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** This machine. */
public final class Host {
    private Host() {
    }

    /** What names it as long as it runs; on a system that does not say so, the process. */
    public static String id() {
        try {
            return Files.readString(Path.of("/proc/sys/kernel/random/boot_id")).strip();
        } catch (IOException _) {
            return "process " + ProcessHandle.current().pid();
        }
    }
}
