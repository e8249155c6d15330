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
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/**
 * Which kernels of the vector backend give the same bits at every vector width: each case runs in JVMs of 512, 256 and 128 bits.
 * docs/numerics.md has the list.
 */
class WidthTest {
    /** Kernels that add up along the lanes, so that their sums depend on the width. */
    private static final Set<String> DEPEND = Set.of();

    /** In a JVM of its own: the width, then a line per kernel with a hash of the bits of all its outputs. */
    static final class Hashes {
        public static void main(String[] args) {
            Map<String, Integer> hashes = new TreeMap<>();
            try (Backend vector = Backends.open("vector", 1)) {
                System.out.println(vector.vectorBits());
                for (KernelCase c : KernelParity.cases()) {
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
    void onlyTheListedKernelsDependOnTheWidth() throws IOException, InterruptedException {
        List<Process> processes = new ArrayList<>();
        for (int bytes : new int[] {64, 32, 16}) {
            processes.add(start(bytes));
        }
        Map<String, List<String>> byWidth = new TreeMap<>(); // a processor without 512 bits runs the first as the second
        for (Process process : processes) {
            List<String> lines = lines(process);
            byWidth.put(lines.getFirst(), lines.subList(1, lines.size()));
        }
        List<String> widest = byWidth.values().iterator().next();
        Set<String> differ = new TreeSet<>();
        for (List<String> other : byWidth.values()) {
            assertEquals(widest.size(), other.size());
            for (int i = 0; i < widest.size(); i++) {
                if (!widest.get(i).equals(other.get(i))) {
                    differ.add(widest.get(i).split(" ")[0]);
                }
            }
        }
        assertTrue(byWidth.size() > 1, "only " + byWidth.keySet());
        assertEquals(new TreeSet<>(DEPEND), differ);
    }
}
