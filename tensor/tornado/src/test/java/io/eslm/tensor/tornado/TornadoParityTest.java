// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.tornado;

import io.eslm.tensor.backend.BackendProvider;
import io.eslm.tensor.backend.parity.KernelParity;
import java.util.stream.Stream;

/** The parity suite of every backend, on the device; says so and passes without one. */
class TornadoParityTest extends KernelParity {
    @Override
    protected Stream<BackendProvider> providers() {
        return Stream.of(new TornadoProvider());
    }
}
