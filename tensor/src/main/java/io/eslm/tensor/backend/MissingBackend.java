// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend;

/** A backend that this build lacks. It is listed like the others, and says how to get it. */
record MissingBackend(String name, String unusableBecause) implements BackendProvider {
    static final MissingBackend TORNADO = new MissingBackend("tornado",
            "this build lacks its module. Install the TornadoVM SDK 5.2.0 for JDK 25 (sdk install tornadovm), set "
                    + "TORNADOVM_HOME to its folder, and start bin/eslm again, which then builds it; see docs/tornado.md");

    @Override
    public int preference() {
        return -1;
    }

    @Override
    public Backend open(int threads) {
        throw new IllegalStateException(name + ": " + unusableBecause);
    }
}
