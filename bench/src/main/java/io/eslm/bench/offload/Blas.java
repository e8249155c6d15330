// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench.offload;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** A BLAS library of the system: its product of float32 matrices, called through foreign functions. */
final class Blas {
    /**
     * A library that may be there.
     *
     * @param threads function that sets the number of threads; empty if it has none, and runs on one
     * @param version function that returns a text; empty if it has none
     */
    private record Kind(String name, List<String> files, String threads, String version) {
    }

    private static final List<Kind> KINDS = List.of(
            new Kind("OpenBLAS", List.of("libopenblas.so.0", "libopenblas.so", "libopenblas.dylib",
                    "/opt/homebrew/opt/openblas/lib/libopenblas.dylib", "libopenblas.dll"), "openblas_set_num_threads",
                    "openblas_get_config"),
            new Kind("MKL", List.of("libmkl_rt.so.2", "libmkl_rt.so", "mkl_rt.2.dll"), "MKL_Set_Num_Threads", ""),
            new Kind("BLIS", List.of("libblis.so.4", "libblis.so"), "bli_thread_set_num_threads",
                    "bli_info_get_version_str"));
    /** Where none of these is found: whatever the system calls its BLAS. */
    private static final Kind ANY = new Kind("BLAS", List.of("libblas.so.3", "libcblas.so.3", "libcblas.so"), "", "");
    private static final int ROW_MAJOR = 101;
    private static final int AS_IT_IS = 111;
    private static final int TRANSPOSED = 112;

    private final Kind kind;
    private final Native library;
    private final MethodHandle sgemm;
    private int threads;

    private Blas(Kind kind, Native library) {
        this.kind = kind;
        this.library = library;
        sgemm = library.function("cblas_sgemm", FunctionDescriptor.ofVoid(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT,
                JAVA_INT, JAVA_INT, JAVA_FLOAT, ADDRESS, JAVA_INT, ADDRESS, JAVA_INT, JAVA_FLOAT, ADDRESS, JAVA_INT));
    }

    /** Those of this machine. */
    static List<Blas> here() {
        List<Blas> all = new ArrayList<>();
        KINDS.forEach(kind -> find(kind).ifPresent(all::add));
        if (all.isEmpty()) {
            find(ANY).ifPresent(all::add);
        }
        return all;
    }

    /** The library that one of {@code files} is; empty if the system finds none, or it has no {@code cblas_sgemm}. */
    static Optional<Blas> find(String name, List<String> files) {
        return find(new Kind(name, files, "", ""));
    }

    /** A library that is at hand.
     *
     * @param threads function that sets their number
     */
    static Blas of(String name, Native library, String threads) {
        return new Blas(new Kind(name, List.of(), threads, ""), library);
    }

    private static Optional<Blas> find(Kind kind) {
        return Native.find(kind.files).filter(l -> l.has("cblas_sgemm")).map(l -> new Blas(kind, l));
    }

    String name() {
        return kind.name;
    }

    /** Its file, and its version if it tells. */
    String description() {
        if (kind.version.isEmpty() || !library.has(kind.version)) {
            return library.file();
        }
        return library.file() + ", "
                + Native.text(Native.call(library.function(kind.version, FunctionDescriptor.of(ADDRESS))));
    }

    /** True if the number of its threads can be set. */
    boolean hasThreads() {
        return !kind.threads.isEmpty() && library.has(kind.threads);
    }

    void threads(int n) {
        if (threads != n) { // a long fits where the function takes an int, and BLIS takes a long
            Native.call(library.function(kind.threads, FunctionDescriptor.ofVoid(JAVA_LONG)), (long) n);
            threads = n;
        }
    }

    /** y = op(a)·op(b), each n rows of n, row by row. */
    void product(MemorySegment y, MemorySegment a, MemorySegment b, int n, boolean transA, boolean transB) {
        try {
            sgemm.invokeExact(ROW_MAJOR, transA ? TRANSPOSED : AS_IT_IS, transB ? TRANSPOSED : AS_IT_IS, n, n, n, 1f, a,
                    n, b, n, 0f, y, n);
        } catch (Throwable e) {
            throw new IllegalStateException(library.file() + ": cblas_sgemm failed", e);
        }
    }
}
