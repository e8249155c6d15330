// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench.offload;

import io.eslm.bench.Timing;
import io.eslm.tensor.DType;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Peak;
import io.eslm.tensor.backend.Storage;

/**
 * The most that an engine can do, measured: no kernel is faster than its operations at {@code flops} and its bytes at
 * {@code bandwidth} (Williams, Waterman, Patterson 2009).
 *
 * @param flops operations per second in float32; NaN if unknown
 * @param origin what measured {@code flops}
 * @param bandwidth bytes per second between memory and the kernel: y = x + y over arrays far larger than the caches
 */
record Roof(double flops, String origin, double bandwidth) {
    /** Elements of each of the two arrays: 192 MiB. */
    static final int ELEMENTS = 48 << 20;
    private static final int TRIES = 5;
    private static final double BYTES = 12;

    /** What limits a kernel: its operations or its bytes. */
    enum Bound {
        ARITHMETIC, MEMORY
    }

    /** Measures a backend with arrays of {@code elements}; its peak stays unknown if it cannot measure it. */
    static Roof measure(Backend backend, int elements) {
        Storage x = backend.allocate(DType.F32, elements);
        Storage y = backend.allocate(DType.F32, elements);
        double seconds = Timing.best(TRIES, () -> {
            backend.kernels().axpby(y, x, elements, 1, 1);
            backend.finish();
        });
        Peak peak = backend.measurePeak();
        return backend.name().equals("scalar") ? new Roof(PlainPeak.measure(), "multiply-adds in plain Java",
                BYTES * elements / seconds)
                : new Roof(peak.flops(), "multiply-adds in registers", BYTES * elements / seconds);
    }

    /** This roof, or with an unknown peak that of the fastest kernel. */
    Roof orFastest(double fastest) {
        return Double.isNaN(flops) && fastest > 0 ? new Roof(fastest, "the fastest product of this run", bandwidth)
                : this;
    }

    /** The least seconds for so much work. */
    double seconds(double operations, double bytes) {
        return Math.max(operations == 0 ? 0 : operations / flops, bytes / bandwidth);
    }

    Bound bound(double operations, double bytes) {
        return operations / flops > bytes / bandwidth ? Bound.ARITHMETIC : Bound.MEMORY;
    }
}
