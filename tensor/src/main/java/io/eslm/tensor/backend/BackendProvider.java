// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend;

import java.util.List;

/** How a backend is found: through {@link java.util.ServiceLoader}, so that adding one edits no other module. */
public interface BackendProvider {
    /** The name that {@code --backend} takes. */
    String name();

    /** Preference of {@code --backend auto}: the usable provider with the highest one wins. */
    int preference();

    /** Null if usable here; else why not, and what to do about it. Never throws, starts nothing expensive. */
    String unusableBecause();

    /** What it could run on where there is a choice, one line each, for people. */
    default List<String> devices() {
        return List.of();
    }

    /**
     * Starts the backend.
     *
     * @param threads number of threads for kernels on the CPU; 0 means all cores
     */
    Backend open(int threads);
}
