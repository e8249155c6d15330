// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend;

import java.util.List;

/**
 * How {@link Backends} finds a backend: through {@link java.util.ServiceLoader}, so that adding one changes no other
 * module.
 */
public interface BackendProvider {
    /** The name by which {@link Backends#open} finds it. */
    String name();

    /** How much "auto" prefers it: the usable provider with the highest number wins. */
    int preference();

    /** Null if it can start here; else why not, and what to do. Never throws, and starts nothing expensive. */
    String unusableBecause();

    /**
     * Null if it can use this machine fully; else why it would be slower than plain loops. "auto" passes it over, but it starts if
     * it is named. Never throws, and starts nothing expensive.
     */
    default String slowBecause() {
        return null;
    }

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
