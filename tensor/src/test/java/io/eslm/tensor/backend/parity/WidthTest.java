// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.parity;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.tensor.DType;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/**
 * Every kernel of the vector backend gives the same bits at every vector width. The cases run in JVMs of 512, 256 and 128 bits
 * (a processor without the first runs it as the second).
 */
class WidthTest {
    /** Every so many cases, to be quick. */
    private static final int STEP = 4;

    /** In a JVM of its own: the width, then a line per kernel with a hash of the bits of all its outputs. */
    static final class Hashes {
        public static void main(String[] args) {
            Map<String, Integer> hashes = new TreeMap<>();
            try (Backend vector = Backends.open("vector", 1)) {
                System.out.println(vector.vectorBits());
                List<KernelCase> cases = KernelParity.cases();
                for (int i = 0; i < cases.size(); i += STEP) {
                    KernelCase c = cases.get(i);
                    int hash = 0;
                    for (KernelRun.Output output : KernelRun.of(c, vector, DType.F32)) {
                        hash = 31 * hash + Arrays.hashCode(output.values());
                    }
                    hashes.merge(c.kernel(), hash, (a, b) -> 31 * a + b);
                }
            }
            hashes.forEach((kernel, hash) -> System.out.println(kernel + " " + hash));
        }
    }

    private static Process start(int bytes) throws IOException {
        return new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--add-modules=jdk.incubator.vector", "-XX:MaxVectorSize=" + bytes, "-cp",
                System.getProperty("java.class.path"), Hashes.class.getName())
                .redirectError(ProcessBuilder.Redirect.DISCARD).start();
    }

    private static List<String> lines(Process process) throws IOException, InterruptedException {
        List<String> lines =
                new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).lines().toList();
        assertEquals(0, process.waitFor());
        return lines;
    }

    @Test
    void noKernelDependsOnTheWidth() throws IOException, InterruptedException {
        List<Process> processes = new ArrayList<>();
        for (int bytes : new int[] {64, 32, 16}) {
            processes.add(start(bytes));
        }
        Map<String, List<String>> byWidth = new TreeMap<>();
        for (Process process : processes) {
            List<String> lines = lines(process);
            byWidth.put(lines.getFirst(), lines.subList(1, lines.size()));
        }
        assertTrue(byWidth.size() > 1, "only " + byWidth.keySet());
        byWidth.values().forEach(hashes -> assertEquals(byWidth.values().iterator().next(), hashes));
    }
}
