// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench.offload;

import io.eslm.tensor.backend.Backend;
import java.util.Optional;

/** What is timed: a backend with a number of threads, a device, or a library that a peer computes with. */
interface Engine extends AutoCloseable {
    /** Unique in a run, and the same in every run: "scalar", "vector 2", "OpenBLAS 1". */
    String name();

    /** For people: vector width, device, version. */
    String description();

    /** Threads of the processor; 0 if they are not its own choice, as on a device. */
    int threads();

    /** True if its operands are Java's arrays, so that nothing is copied to it and back. */
    boolean onHost();

    /** The backend behind it; empty for a library. */
    Optional<Backend> backend();

    /** True if it has the kernel. */
    boolean can(OffloadCase c);

    /** The kernel on {@code n} rows of {@code n}, with {@code values} in x and w. */
    Job job(OffloadCase c, int n, float[] values);

    @Override
    void close();

    /** One kernel with its operands in place. */
    interface Job extends AutoCloseable {
        /** Computes once, and waits for the result. */
        void run();

        /** Copies the operands from Java's arrays, computes, and copies the result back. */
        void runCopied();

        /** The result. */
        float[] result();

        @Override
        default void close() {
            // operands in the heap need no closing
        }
    }
}
