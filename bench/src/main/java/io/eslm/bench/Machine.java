// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench;

import io.eslm.tensor.DType;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Peak;
import io.eslm.tensor.backend.Storage;

/**
 * The peaks of this machine, measured now.
 *
 * @param fma FMA peak on all threads
 * @param bandwidth memory bandwidth on all threads, bytes/s: y = x + y over arrays far larger than the caches
 */
record Machine(Peak fma, double bandwidth) {
    private static final int ELEMENTS = 48 << 20;

    static Machine measure(Backend backend) {
        Storage x = backend.allocate(DType.F32, ELEMENTS);
        Storage y = backend.allocate(DType.F32, ELEMENTS);
        double seconds = Timing.best(7, () -> backend.kernels().axpby(y, x, ELEMENTS, 1, 1));
        return new Machine(backend.measurePeak(), 12.0 * ELEMENTS / seconds);
    }
}
