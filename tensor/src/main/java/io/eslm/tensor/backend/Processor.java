// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/** Names the processor. */
public final class Processor {
    private static final Path INFO = Path.of("/proc/cpuinfo");

    private Processor() {
    }

    /** "AMD EPYC (family 26, model 2)"; where the system does not tell, the architecture, such as "aarch64". */
    public static String name() {
        Map<String, String> first = new HashMap<>();
        try (var lines = Files.lines(INFO)) {
            lines.takeWhile(line -> !line.isBlank()).map(line -> line.split("\\s*:\\s*", 2))
                    .filter(pair -> pair.length == 2).forEach(pair -> first.putIfAbsent(pair[0], pair[1].strip()));
        } catch (IOException | RuntimeException _) {
            // not Linux, or not readable: the fallback below
        }
        String name = first.getOrDefault("model name", System.getenv().getOrDefault("PROCESSOR_IDENTIFIER",
                System.getProperty("os.arch")));
        return first.containsKey("cpu family")
                ? name + " (family " + first.get("cpu family") + ", model " + first.get("model") + ")"
                : name;
    }
}
