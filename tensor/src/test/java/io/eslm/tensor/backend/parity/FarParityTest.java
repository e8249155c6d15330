// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.parity;

import io.eslm.tensor.backend.FarBackend;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicNode;
import org.junit.jupiter.api.TestFactory;

/** {@link KernelParity} of a device that has no kernels: every definition works on copies of its memory. */
class FarParityTest {
    @TestFactory
    Stream<DynamicNode> parity() {
        return KernelParity.byKernel(FarBackend.PROVIDER, _ -> true, KernelParity::parity);
    }
}
