// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.parity;

/** {@link KernelParity} for the backends of this module. */
class KernelParityTest extends KernelParity {
}
