// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.tornado;

import io.eslm.tensor.DType;

/**
 * Memory that a kernel of the seam keeps between its launches: one storage for each type, as large as was ever needed.
 */
final class Scratch {
    private final DeviceMemory memory;
    private DeviceStorage floats;
    private DeviceStorage ints;

    Scratch(DeviceMemory memory) {
        this.memory = memory;
    }

    /** {@code n} floats until the next call of this method; contents undefined. */
    DeviceStorage floats(int n) {
        if (floats == null || floats.size() < n) {
            floats = null;
            floats = memory.allocate(DType.F32, n);
        }
        return floats.slice(0, n);
    }

    /** {@code n} ints until the next call of this method; contents undefined. */
    DeviceStorage ints(int n) {
        if (ints == null || ints.size() < n) {
            ints = null;
            ints = memory.allocate(DType.I32, n);
        }
        return ints.slice(0, n);
    }
}
