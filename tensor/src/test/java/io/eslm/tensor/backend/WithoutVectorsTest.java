// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.tensor.UserError;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A JVM that was started without the incubator module of the Vector API. */
class WithoutVectorsTest {
    /** What the other JVM runs. */
    static final class Program {
        private Program() {
        }

        public static void main(String[] args) {
            System.out.println(Backends.open("auto", 0).name());
            System.out.println(Backends.open("auto", 0).name());
            try {
                System.out.println(Backends.require("vector").name());
            } catch (UserError e) {
                System.out.println(e.getMessage());
            }
        }
    }

    @Test
    void plainLoopsAreAnnouncedOnceAndAnErrorForWhoNeedsVectors(@TempDir Path dir)
            throws IOException, InterruptedException {
        Path out = dir.resolve("out");
        Path err = dir.resolve("err");
        String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        int status = new ProcessBuilder(java, "-cp", System.getProperty("java.class.path"), Program.class.getName())
                .redirectOutput(out.toFile()).redirectError(err.toFile()).start().waitFor();
        String said = Files.readString(err, StandardCharsets.UTF_8);
        assertEquals(0, status, said);
        String flag = "the JVM runs without the Vector API. Start it with --add-modules jdk.incubator.vector";
        assertEquals(List.of("scalar", "scalar", "backend 'vector' cannot start: " + flag), Files.readAllLines(out));
        assertEquals(1, said.lines().filter(l -> l.contains("plain Java loops")).count(), said);
        assertTrue(said.contains("100 times as fast") && said.contains(flag), said);
    }
}
