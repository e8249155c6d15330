// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.tornado;

import io.eslm.tensor.backend.BackendProvider;
import io.eslm.tensor.backend.parity.KernelParity;
import java.util.stream.Stream;

/** Attention with its scores in memory, which only a device with cuBLAS takes by itself. */
class AttentionByProductsParityTest extends KernelParity {
    @Override
    protected Stream<BackendProvider> providers() {
        return Stream.of(new Spread(Attend.PRODUCTS));
    }

    @Override
    protected boolean tests(String kernel) {
        return kernel.startsWith("attention");
    }
}
