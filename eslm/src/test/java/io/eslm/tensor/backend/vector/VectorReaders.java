// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.vector;

import io.eslm.tensor.backend.Peak;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;

/** The readers of this package, on the bytes of a file. */
public final class VectorReaders {
    private static final Instant NOW = Instant.parse("2026-01-01T12:00:00Z");

    private VectorReaders() {
    }

    /** Whatever is kept, a new peak takes its place and is found. */
    public static void peaks(byte[] bytes, Path folder) throws IOException {
        Files.write(folder.resolve(PeakCache.FILE), bytes);
        PeakCache cache = new PeakCache(folder);
        String found = cache.find("m", NOW).toString();
        Peak peak = new Peak(1e11, 0.1, NOW);
        cache.put("m", peak);
        if (found.isEmpty() || !cache.find("m", NOW).equals(peak)) {
            throw new IllegalStateException("a new peak is not found");
        }
    }
}
