// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench.offload;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A BLAS library as a peer: made up here, and the system's where it has one. */
class BlasTest {
    private static final List<Long> THREADS = new ArrayList<>();

    /** BLAS by its definition: row by row, each dimension with its own leading one. */
    @SuppressWarnings("UnusedMethod") // called as native code
    static final class Functions {
        private static final int TRANSPOSED = 112;

        static void cblas_sgemm(int order, int transA, int transB, int m, int n, int k, float alpha, MemorySegment a,
                int lda, MemorySegment b, int ldb, float beta, MemorySegment c, int ldc) {
            assertEquals(101, order);
            MemorySegment x = MadeUpLibrary.at(a, 4L * lda * k);
            MemorySegment w = MadeUpLibrary.at(b, 4L * ldb * k);
            MemorySegment y = MadeUpLibrary.at(c, 4L * ldc * m);
            for (int i = 0; i < m; i++) {
                for (int j = 0; j < n; j++) {
                    double sum = 0;
                    for (int p = 0; p < k; p++) {
                        sum += (double) x.getAtIndex(JAVA_FLOAT,
                                transA == TRANSPOSED ? (long) p * lda + i : (long) i * lda + p)
                                * w.getAtIndex(JAVA_FLOAT,
                                        transB == TRANSPOSED ? (long) j * ldb + p : (long) p * ldb + j);
                    }
                    y.setAtIndex(JAVA_FLOAT, (long) i * ldc + j,
                            (float) (alpha * sum) + (beta == 0 ? 0 : beta * y.getAtIndex(
                                    JAVA_FLOAT, (long) i * ldc + j)));
                }
            }
        }

        static void set_threads(long n) {
            THREADS.add(n);
        }
    }

    private static List<Agreement> agreement(Engine engine) {
        KernelRun run = new KernelRun(Rules.QUICK, List.of(engine), EnergyMeter.of(List.of()), 64 * 64);
        try (Backend definition = Backends.open("scalar", 1)) {
            OffloadCase.ALL_CASES.stream().filter(engine::can).forEach(c -> run.compare(c, definition));
        }
        return run.agreement();
    }

    @Test
    void productsAndTheirTransposesAgreeWithTheDefinition() {
        Blas blas = Blas.of("made up", MadeUpLibrary.of(Functions.class), "set_threads");
        Engine engine = BlasEngine.of(blas, 2);
        assertEquals("made up 2", engine.name());
        assertFalse(engine.onHost(), "its operands are copied");
        List<Agreement> all = agreement(engine);
        assertEquals(6, all.size(), "three products of two sizes");
        assertTrue(all.stream().allMatch(Agreement::isRight), all.toString());
        assertEquals(List.of(2L), THREADS, "set once");
    }

    @Test
    void theSystemsLibraryAgreesWhereThereIsOne() {
        for (Blas blas : Blas.here()) {
            Engine engine = BlasEngine.of(blas, blas.hasThreads() ? 1 : 0);
            List<Agreement> all = agreement(engine);
            assertTrue(all.stream().allMatch(Agreement::isRight), engine.description() + all);
        }
    }

    @Test
    void aLibraryThatIsNotThereOrHasNoProductIsNotFound() {
        assertTrue(Blas.find("none", List.of("libthere-is-none.so.9")).isEmpty());
        assertTrue(Blas.find("C", List.of("libc.so.6")).isEmpty(), "has no cblas_sgemm");
        Surroundings.Thing missing = Surroundings.here(new Nvml("", List.of(), List.of()), List.of()).stream()
                .filter(t -> t.name().equals("BLAS")).findFirst().orElseThrow();
        assertFalse(missing.found());
        assertTrue(missing.what().contains("apt install libopenblas0-pthread"), missing.what());
    }
}
