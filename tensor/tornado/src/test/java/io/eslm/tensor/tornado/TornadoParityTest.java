// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.tornado;

import io.eslm.tensor.backend.parity.KernelParity;

/** The parity suite of every backend, on the device; says so and passes without one. */
class TornadoParityTest extends KernelParity {
    @Override
    protected boolean tests(String backend) {
        return backend.equals("tornado");
    }
}
