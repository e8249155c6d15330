// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.parity;

import io.eslm.tensor.backend.BackendProvider;
import io.eslm.tensor.backend.FarBackend;
import java.util.stream.Stream;

/** {@link KernelParity} of a device that has no kernels: every definition works on copies of its memory. */
class FarParityTest extends KernelParity {
    @Override
    protected Stream<BackendProvider> providers() {
        return Stream.of(FarBackend.PROVIDER);
    }
}
