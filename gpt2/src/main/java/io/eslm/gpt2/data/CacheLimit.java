// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

import io.eslm.tensor.UserError;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * Bounds a cache. Removes what was used longest ago until the rest fits, but nothing that a live process uses; and the
 * unfinished work of processes that have died.
 */
record CacheLimit(long bytes) {
    /** Sets the limit in gigabytes. */
    static final String VARIABLE = "ESLM_CACHE_GB";
    private static final double DEFAULT_GB = 10;
    private static final double GIGABYTE = 1e9;
    /** Unfinished work without a lock, by this age, is nobody's. */
    private static final Duration ABANDONED = Duration.ofDays(1);

    /** An entry of the cache, with all its files. */
    private record Entry(Path path, long bytes, FileTime used) {
    }

    /** @throws UserError if the variable is not a number of gigabytes */
    static CacheLimit of(Map<String, String> environment) {
        String given = environment.getOrDefault(VARIABLE, "");
        double gigabytes = DEFAULT_GB;
        try {
            gigabytes = given.isBlank() ? DEFAULT_GB : Double.parseDouble(given);
        } catch (NumberFormatException _) {
            gigabytes = Double.NaN;
        }
        if (!(gigabytes >= 0)) {
            throw new UserError(VARIABLE + "=" + given
                    + ": must be a number of gigabytes, at least 0: the size to which the data cache may grow");
        }
        return new CacheLimit((long) (gigabytes * GIGABYTE));
    }

    /** Marks an entry as used now. */
    static void touch(Path entry) {
        try {
            Files.setLastModifiedTime(entry, FileTime.from(Instant.now()));
        } catch (IOException _) {
            // one that only others may write keeps its time
        }
    }

    /** Bounds the cache {@code root}. Does what it can: a cache is never a reason to fail. */
    void apply(Path root) {
        removeAbandoned(root, ".");
        List<Entry> entries =
                list(root).filter(path -> !isHidden(path)).map(CacheLimit::entry).filter(e -> e.used != null)
                        .sorted(Comparator.comparing(Entry::used)).toList();
        long total = entries.stream().mapToLong(Entry::bytes).sum();
        for (Entry entry : entries) {
            if (total <= bytes) {
                return;
            }
            if (InUse.deleteUnlessUsed(entry.path)) {
                total -= entry.bytes;
            }
        }
    }

    /** Removes what has names that begin so in {@code root} and was left behind by a process that has died. */
    static void removeAbandoned(Path root, String prefix) {
        list(root).filter(path -> path.getFileName().toString().startsWith(prefix)).filter(CacheLimit::isAbandoned)
                .forEach(InUse::deleteUnlessUsed);
    }

    /** True if it has a lock, which a live process would hold, or is too old to be without. */
    private static boolean isAbandoned(Path folder) {
        try {
            return InUse.wasHeld(folder) || Files.getLastModifiedTime(folder).toInstant()
                    .isBefore(Instant.now().minus(ABANDONED));
        } catch (IOException _) {
            return false;
        }
    }

    private static boolean isHidden(Path path) {
        return path.getFileName().toString().startsWith(".");
    }

    private static Stream<Path> list(Path root) {
        try (Stream<Path> all = Files.list(root)) {
            return all.sorted().toList().stream();
        } catch (IOException | UncheckedIOException _) {
            return Stream.empty();
        }
    }

    private static Entry entry(Path path) {
        try (Stream<Path> files = Files.walk(path)) {
            long bytes = 0;
            for (Path file : (Iterable<Path>) files::iterator) {
                BasicFileAttributes a =
                        Files.readAttributes(file, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
                bytes += a.isRegularFile() ? a.size() : 0;
            }
            return new Entry(path, bytes, Files.getLastModifiedTime(path));
        } catch (IOException | UncheckedIOException _) {
            return new Entry(path, 0, null); // somebody else removed it
        }
    }
}
