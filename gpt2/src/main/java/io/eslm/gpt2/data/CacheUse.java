// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

import io.eslm.tensor.io.FileErrors;
import io.eslm.tensor.io.UserCache;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Stream;

/**
 * What the cache of prepared data takes.
 *
 * @param folder of the cache, which may not be there yet
 * @param bytes in it
 * @param limit bytes to which it may grow
 */
public record CacheUse(Path folder, long bytes, long limit) {
    /** @throws io.eslm.tensor.UserError if the limit in {@code environment} is no number, or the folder cannot be read */
    public static CacheUse of(Map<String, String> environment) {
        Path folder = UserCache.folder(environment);
        if (!Files.isDirectory(folder)) {
            return new CacheUse(folder, 0, CacheLimit.of(environment).bytes());
        }
        try (Stream<Path> files = Files.walk(folder)) {
            return new CacheUse(folder, files.mapToLong(CacheUse::bytes).sum(), CacheLimit.of(environment).bytes());
        } catch (IOException e) {
            throw FileErrors.failed("read", folder, e);
        } catch (UncheckedIOException e) {
            throw FileErrors.failed("read", folder, e.getCause());
        }
    }

    /** 0 of a folder, and of what another program has just removed. */
    private static long bytes(Path file) {
        try {
            return Files.isRegularFile(file) ? Files.size(file) : 0;
        } catch (IOException _) {
            return 0;
        }
    }
}
