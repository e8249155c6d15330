// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend;

import java.util.stream.Stream;

/** {@link MadeUpKernel} on the backends of this module, and on one without any kernels. */
class MadeUpKernelTest extends MadeUpKernel {
    @Override
    protected Stream<BackendProvider> providers() {
        return Stream.concat(super.providers(), Stream.of(FarBackend.PROVIDER));
    }
}
