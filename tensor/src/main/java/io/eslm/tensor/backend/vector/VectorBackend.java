// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.vector;

import io.eslm.tensor.DType;
import io.eslm.tensor.backend.Peak;
import io.eslm.tensor.backend.Processor;
import io.eslm.tensor.backend.ScalarBackend;
import java.time.Instant;
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
    public int vectorBits() {
        return FloatVector.SPECIES_PREFERRED.vectorBitSize();
    }

    /** The bits are the same at each of the usual widths: see {@link VectorMath#SUMS}. */
    @Override
    public String arithmetic() {
        boolean usual = vectorBits() >= 128 && vectorBits() <= 512;
        return usual ? name() : name() + ", " + vectorBits() + " bits";
    }

    @Override
    public boolean supports(DType dtype) {
        return dtype != DType.F64;
    }

    /** From the user's cache, if it was measured there not long ago. */
    @Override
    public double peakFlops() {
        Peak known = PeakCache.ofUser(System.getenv()).find(machine(), Instant.now());
        return known.isKnown() ? known.flops() : measurePeak().flops();
    }

    @Override
    public Peak measurePeak() {
        Peak peak = FmaPeak.measure(parallel);
        if (peak.isKnown()) {
            PeakCache.ofUser(System.getenv()).put(machine(), peak);
        }
        return peak;
    }

    /** What the peak depends on. */
    private String machine() {
        return Processor.name() + ", " + Runtime.getRuntime().availableProcessors() + " cores, JDK " + Runtime.version()
                + ", " + description();
    }

    @Override
    public void close() {
        parallel.close();
    }
}
