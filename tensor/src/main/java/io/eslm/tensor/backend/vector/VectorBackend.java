// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.vector;

import io.eslm.tensor.DType;
import io.eslm.tensor.backend.ScalarBackend;
import jdk.incubator.vector.FloatVector;

/** The fast CPU backend: F32 in Java arrays, kernels in the Vector API on all cores. */
public final class VectorBackend extends ScalarBackend {
    private final Parallel parallel;

    VectorBackend(int threads) {
        this(new Parallel(threads));
    }

    private VectorBackend(Parallel parallel) {
        super(new VectorKernels(parallel));
        this.parallel = parallel;
    }

    @Override
    public String name() {
        return "vector";
    }

    @Override
    public String description() {
        return "Vector API, " + FloatVector.SPECIES_PREFERRED.vectorBitSize() + " bits, " + parallel.threads()
                + " threads";
    }

    @Override
    public String arithmetic() {
        return "vector, " + FloatVector.SPECIES_PREFERRED.vectorBitSize() + " bits";
    }

    @Override
    public boolean supports(DType dtype) {
        return dtype != DType.F64;
    }

    @Override
    public double measurePeakFlops() {
        return FmaPeak.measure(parallel);
    }

    @Override
    public void close() {
        parallel.close();
    }
}
