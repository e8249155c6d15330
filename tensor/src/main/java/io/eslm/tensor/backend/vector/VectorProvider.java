// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.vector;

import com.sun.management.HotSpotDiagnosticMXBean;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.BackendProvider;
import java.lang.management.ManagementFactory;
import java.util.function.BooleanSupplier;
import jdk.incubator.vector.FloatVector;

/** Finds the {@link VectorBackend}: usable in a JVM that was started with the Vector API. */
public final class VectorProvider implements BackendProvider {
    private static final String MODULE = "jdk.incubator.vector";
    private static final int LEAST_BITS = 128;

    @Override
    public String name() {
        return "vector";
    }

    @Override
    public int preference() {
        return 10;
    }

    @Override
    public String unusableBecause() {
        return ModuleLayer.boot().findModule(MODULE).isPresent()
                ? null
                : "the JVM runs without the Vector API. Start it with --add-modules " + MODULE;
    }

    @Override
    public String slowBecause() {
        return slow(System.getProperty("java.vm.info", ""), System.getProperty("os.arch", ""),
                FloatVector.SPECIES_PREFERRED.vectorBitSize(), VectorProvider::usesFma);
    }

    /**
     * Why vector code would not become vector instructions.
     *
     * @param vm how the JVM compiles: java.vm.info
     * @param bits of its widest vector
     * @param fma whether it uses fused multiply-add; asked only where that is in doubt
     */
    static String slow(String vm, String architecture, int bits, BooleanSupplier fma) {
        if (vm.startsWith("interpreted")) {
            return "the JVM only interprets (-Xint), and each vector is an object then";
        }
        if (vm.contains("emulated-client")) {
            return "the JVM does without its optimizing compiler (-XX:TieredStopAtLevel), and each vector is an object then";
        }
        if (bits < LEAST_BITS) {
            return "the JVM's vectors have " + bits + " bits (-XX:MaxVectorSize)";
        }
        boolean x86 = architecture.equals("amd64") || architecture.equals("x86_64");
        return x86 && bits == LEAST_BITS && !fma.getAsBoolean()
                ? "the processor, or the JVM's option -XX:UseAVX, has no fused multiply-add, which the JVM then computes in software"
                : null;
    }

    private static boolean usesFma() {
        try {
            return Boolean.parseBoolean(ManagementFactory.getPlatformMXBean(HotSpotDiagnosticMXBean.class)
                    .getVMOption("UseFMA").getValue());
        } catch (LinkageError | IllegalArgumentException | NullPointerException _) {
            return true; // a JVM that does not tell
        }
    }

    @Override
    public Backend open(int threads) {
        return new VectorBackend(threads);
    }
}
