// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench.offload;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.eslm.tensor.backend.Backend;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Map;
import java.util.Optional;

/**
 * A BLAS library as a peer for matrix products. Its operands lie in native memory, so Java's arrays are copied there and back.
 *
 * @param threads 0 if the library chooses
 */
record BlasEngine(Blas blas, String name, int threads) implements Engine {
    /** Whether a and b are transposed. */
    private record Form(boolean transA, boolean transB) {
    }

    private static final Map<String, Form> PRODUCTS = Map.of("matmul", new Form(false, false), "matmul Aᵀ",
            new Form(true, false), "matmul Bᵀ", new Form(false, true));
    private static final long ALIGNMENT = 64;

    /** @param threads 0 if they cannot be set */
    static BlasEngine of(Blas blas, int threads) {
        return new BlasEngine(blas, blas.name() + (threads == 0 ? "" : " " + threads), threads);
    }

    @Override
    public String description() {
        return blas.description() + (threads == 0 ? "" : ", " + threads + (threads == 1 ? " thread" : " threads"));
    }

    @Override
    public boolean onHost() {
        return false;
    }

    @Override
    public Optional<Backend> backend() {
        return Optional.empty();
    }

    @Override
    public boolean can(OffloadCase c) {
        return PRODUCTS.containsKey(c.name());
    }

    @Override
    @SuppressWarnings("MustBeClosedChecker") // closed with the job
    public Job job(OffloadCase c, int n, float[] values) {
        Form form = PRODUCTS.get(c.name());
        Arena arena = Arena.ofConfined();
        MemorySegment a = arena.allocate(JAVA_FLOAT.byteSize() * values.length, ALIGNMENT);
        MemorySegment b = arena.allocate(a.byteSize(), ALIGNMENT);
        MemorySegment y = arena.allocate(a.byteSize(), ALIGNMENT);
        MemorySegment.copy(values, 0, a, JAVA_FLOAT, 0, values.length);
        MemorySegment.copy(values, 0, b, JAVA_FLOAT, 0, values.length);
        float[] back = new float[values.length];
        return new Job() {
            @Override
            public void run() {
                if (threads > 0) {
                    blas.threads(threads); // other engines of this library set theirs
                }
                blas.product(y, a, b, n, form.transA, form.transB);
            }

            @Override
            public void runCopied() {
                MemorySegment.copy(values, 0, a, JAVA_FLOAT, 0, values.length);
                MemorySegment.copy(values, 0, b, JAVA_FLOAT, 0, values.length);
                run();
                MemorySegment.copy(y, JAVA_FLOAT, 0, back, 0, back.length);
            }

            @Override
            public float[] result() {
                return y.toArray(JAVA_FLOAT);
            }

            @Override
            public void close() {
                arena.close();
            }
        };
    }

    @Override
    public void close() {
        // the library stays loaded
    }
}
