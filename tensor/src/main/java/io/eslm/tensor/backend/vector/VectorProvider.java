// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.vector;

import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.BackendProvider;

/** Finds the {@link VectorBackend}: usable in a JVM that was started with the Vector API. */
public final class VectorProvider implements BackendProvider {
    private static final String MODULE = "jdk.incubator.vector";

    @Override
    public String name() {
        return "vector";
    }

    @Override
    public int preference() {
        return 10;
    }

    @Override
    public String unusableBecause() {
        return ModuleLayer.boot().findModule(MODULE).isPresent()
                ? null
                : "the JVM runs without the Vector API. Start it with --add-modules " + MODULE;
    }

    @Override
    public Backend open(int threads) {
        return new VectorBackend(threads);
    }
}
