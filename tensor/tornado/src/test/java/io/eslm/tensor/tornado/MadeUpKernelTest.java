// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.tornado;

import io.eslm.tensor.backend.BackendProvider;
import io.eslm.tensor.backend.MadeUpKernel;
import java.util.stream.Stream;

/** A kernel that the device has no code for; nothing to test without a device, which {@link TornadoParityTest} says. */
class MadeUpKernelTest extends MadeUpKernel {
    @Override
    protected Stream<BackendProvider> providers() {
        return Stream.<BackendProvider>of(new TornadoProvider()).filter(p -> p.unusableBecause() == null);
    }
}
