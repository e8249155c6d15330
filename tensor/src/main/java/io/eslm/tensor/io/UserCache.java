// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.io;

import java.nio.file.Path;
import java.util.Map;

/** Where the program keeps what it can make again: prepared data and measured peaks. */
public final class UserCache {
    private UserCache() {
    }

    /** {@code $XDG_CACHE_HOME/eslm}, or {@code ~/.cache/eslm}; it need not exist. */
    public static Path folder(Map<String, String> environment) {
        String xdg = environment.getOrDefault("XDG_CACHE_HOME", "");
        Path base = xdg.isEmpty() ? Path.of(System.getProperty("user.home"), ".cache") : Path.of(xdg);
        return base.resolve("eslm");
    }
}
