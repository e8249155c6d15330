// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench.offload;

import io.eslm.tensor.DType;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.HeapStorage;
import java.util.Arrays;
import java.util.Optional;

/**
 * A backend that is timed.
 *
 * @param threads of the processor; 0 for a device
 * @param onHost true if its storages are Java's arrays
 */
record BackendEngine(String name, Backend open, int threads, boolean onHost) implements Engine {
    /** @param threads of the processor, for a backend that runs there */
    static BackendEngine of(String name, Backend backend, int threads) {
        boolean host = backend.allocate(DType.F32, 1) instanceof HeapStorage;
        return new BackendEngine(name, backend, host ? threads : 0, host);
    }

    @Override
    public String description() {
        return open.description();
    }

    @Override
    public Optional<Backend> backend() {
        return Optional.of(open);
    }

    @Override
    public boolean can(OffloadCase c) {
        return true;
    }

    @Override
    public Job job(OffloadCase c, int n, float[] values) {
        Operands there = new Operands(open, DType.F32, values, n);
        float[] result = new float[c.y().applyAsInt(n)];
        return new Job() {
            @Override
            public void run() {
                c.work().run(open.kernels(), there, n);
                open.finish();
            }

            @Override
            public void runCopied() {
                there.write(values, c.w().applyAsInt(n));
                run();
                open.read(there.y(), result, 0, result.length);
            }

            @Override
            public float[] result() {
                open.read(there.y(), result, 0, result.length);
                return Arrays.copyOf(result, result.length);
            }
        };
    }

    @Override
    public void close() {
        open.close();
    }
}
