// SPDX-License-Identifier: Apache-2.0
package io.eslm.run;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class CpuContentionTest {
    /** A process that does nothing but turn takes a core; it must show, whatever else the machine does. */
    @Test
    void anotherProgramShows() throws IOException, InterruptedException {
        skipUnless(Files.isExecutable(Path.of("/bin/sh")));
        Process other = new ProcessBuilder("/bin/sh", "-c", "while :; do :; done").start();
        try {
            CpuContention load = new CpuContention();
            Thread.sleep(1500);
            double share = load.share();
            skipUnless(!Double.isNaN(share));
            int cores = Runtime.getRuntime().availableProcessors();
            assertTrue(share > 0.3 / cores && share <= 1, "share " + share + " on " + cores + " cores");
        } finally {
            other.destroyForcibly().waitFor();
        }
    }

    private static void skipUnless(boolean known) {
        if (!known) {
            System.err.println("NOT TESTED: the load of other programs: not known on this system");
        }
        assumeTrue(known);
    }
}
