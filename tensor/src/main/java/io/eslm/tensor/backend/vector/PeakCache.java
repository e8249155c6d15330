// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.vector;

import com.google.gson.JsonObject;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Peak;
import io.eslm.tensor.io.AtomicFiles;
import io.eslm.tensor.io.FileTrees;
import io.eslm.tensor.io.Json;
import io.eslm.tensor.io.UserCache;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;

/**
 * Keeps measured peaks between runs, in one small file of the user's cache. A peak counts for a day: the clock, and on a
 * virtual machine the neighbours, change. A file that cannot be read or written is ignored, because a peak can be measured again.
 */
final class PeakCache {
    static final String FILE = "peaks.json";
    static final Duration VALID = Duration.ofDays(1);

    private final Path file;

    PeakCache(Path folder) {
        file = folder.resolve(FILE);
    }

    static PeakCache ofUser(Map<String, String> environment) {
        return new PeakCache(UserCache.folder(environment));
    }

    /** The peak that {@code machine} had less than {@link #VALID} before {@code now}; unknown if there is none. */
    Peak find(String machine, Instant now) {
        try {
            if (Files.isRegularFile(file)) {
                Json all = Json.read(file);
                if (all.has(machine)) {
                    Peak peak = peak(all.child(machine));
                    return isValid(peak, now) ? peak : Peak.unknown();
                }
            }
        } catch (UserError | DateTimeException _) {
            // damaged: measured again, and replaced
        }
        return Peak.unknown();
    }

    /** Keeps a peak, and drops those that no longer count. */
    void put(String machine, Peak peak) {
        JsonObject kept = new JsonObject();
        try {
            if (Files.isRegularFile(file)) {
                Json all = Json.read(file);
                for (String name : all.object().keySet()) {
                    if (isValid(peak(all.child(name)), peak.measured())) {
                        kept.add(name, all.object().get(name));
                    }
                }
            }
        } catch (UserError | DateTimeException _) {
            // damaged: replaced
        }
        JsonObject entry = new JsonObject();
        entry.addProperty("flops", peak.flops());
        entry.addProperty("spread", peak.spread());
        entry.addProperty("measured", peak.measured().toString());
        kept.add(machine, entry);
        try {
            FileTrees.make(file.getParent());
            AtomicFiles.writeString(file, Json.pretty(kept));
        } catch (UserError _) {
            // measured again next time
        }
    }

    private static Peak peak(Json entry) {
        return new Peak(entry.required("flops", Double.class), entry.required("spread", Double.class),
                Instant.parse(entry.required("measured", String.class)));
    }

    private static boolean isValid(Peak peak, Instant now) {
        return peak.flops() > 0 && !peak.measured().isAfter(now) && peak.measured().plus(VALID).isAfter(now);
    }
}
