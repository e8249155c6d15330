// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend;

/** Finds the {@link ScalarBackend}: always usable, the last choice of "auto". */
public final class ScalarProvider implements BackendProvider {
    @Override
    public String name() {
        return "scalar";
    }

    @Override
    public int preference() {
        return 0;
    }

    @Override
    public String unusableBecause() {
        return null;
    }

    @Override
    public Backend open(int threads) {
        return new ScalarBackend();
    }
}
