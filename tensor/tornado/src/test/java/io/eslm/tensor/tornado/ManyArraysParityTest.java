// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.tornado;

import io.eslm.tensor.backend.BackendProvider;
import io.eslm.tensor.backend.parity.KernelParity;
import java.util.stream.Stream;

/** The parity suite with the operands of each kernel in different arrays of the device. */
class ManyArraysParityTest extends KernelParity {
    @Override
    protected Stream<BackendProvider> providers() {
        return Stream.of(new Spread(Attend.TILES));
    }
}
