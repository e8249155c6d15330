// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.tornado;

import io.eslm.tensor.UserError;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/**
 * NVIDIA's cuBLAS on the stream of TornadoVM, called from Java without native code of ours. A call queues its product;
 * what TornadoVM starts afterwards runs after it. Every status is checked.
 */
final class CuBlas {
    private static final boolean WINDOWS = System.getProperty("os.name").startsWith("Windows");
    private static final List<String> NAMES = WINDOWS ? List.of("cublas64_13.dll", "cublas64_12.dll")
            : List.of("libcublas.so.13", "libcublas.so.12", "libcublas.so");
    private static final String DRIVER = WINDOWS ? "nvcuda.dll" : "libcuda.so.1";
    private static final Map<String, Optional<SymbolLookup>> LOADED = new ConcurrentHashMap<>();
    private static final MemoryLayout INT = ValueLayout.JAVA_INT;
    /** Handles and pointers are passed as longs: those of the device mean nothing here. */
    private static final MemoryLayout POINTER = ValueLayout.JAVA_LONG;
    private static final int REAL_32F = 0;
    private static final int DEFAULT_ALGORITHM = -1;

    private final CudaStream.Place place;
    private final Products products;
    private final MethodHandle multiply;
    private final MethodHandle multiplyBatch;
    private final MethodHandle setContext;
    private final MethodHandle waitForStream;
    private final long handle;
    private final String version;
    /** Alpha and beta of the call in progress: cuBLAS reads them before it returns. */
    private final MemorySegment factors = Arena.global().allocate(2 * Float.BYTES, Float.BYTES);

    /** @throws UserError if the library does not start; call {@link #missing} first */
    CuBlas(Products products, String file, CudaStream.Place place) {
        this.products = products;
        this.place = place;
        SymbolLookup library = library(file).orElseThrow();
        SymbolLookup driver = load(DRIVER).orElseThrow();
        setContext = function(driver, "cuCtxSetCurrent", POINTER);
        waitForStream = function(driver, "cuStreamSynchronize", POINTER);
        multiply = function(library, "cublasGemmEx", POINTER, INT, INT, INT, INT, INT, POINTER, POINTER, INT, INT,
                POINTER, INT, INT, POINTER, POINTER, INT, INT, INT, INT);
        multiplyBatch = function(library, "cublasGemmStridedBatchedEx", POINTER, INT, INT, INT, INT, INT, POINTER,
                POINTER, INT, INT, POINTER, POINTER, INT, INT, POINTER, POINTER, POINTER, INT, INT, POINTER, INT, INT,
                INT);
        useContext();
        MemorySegment result = Arena.global().allocate(ValueLayout.JAVA_LONG);
        check("cublasCreate", call(function(library, "cublasCreate_v2", POINTER), result.address()));
        handle = result.get(ValueLayout.JAVA_LONG, 0);
        check("cublasSetStream",
                call(function(library, "cublasSetStream_v2", POINTER, POINTER), handle, place.stream()));
        check("cublasGetVersion",
                call(function(library, "cublasGetVersion_v2", POINTER, POINTER), handle, result.address()));
        int number = result.get(ValueLayout.JAVA_INT, 0);
        version = String.format(Locale.ROOT, "%d.%d.%d", number / 10000, number / 100 % 100, number % 100);
    }

    /**
     * Null if the library can be loaded, else what to do.
     *
     * @param file where the user says it is, or null
     */
    static String missing(String file) {
        if (library(file).isPresent()) {
            return null;
        }
        return file == null ? "cuBLAS was not found as " + String.join(" or ", NAMES) + ". Install it with CUDA ("
                + "Debian, Ubuntu: libcublas; pip: nvidia-cublas), or name its file in " + Settings.CUBLAS
                : Settings.CUBLAS + "=" + file + " cannot be loaded. It must be cuBLAS's file, such as /usr/lib/"
                        + NAMES.getFirst() + ", and libcublasLt must be where the system finds it";
    }

    private static Optional<SymbolLookup> library(String file) {
        return LOADED.computeIfAbsent(Objects.requireNonNullElse(file, ""),
                f -> (f.isEmpty() ? NAMES : List.of(f)).stream().map(CuBlas::load).flatMap(Optional::stream)
                        .findFirst());
    }

    @SuppressWarnings("restricted") // calling C is what this class is for
    private static Optional<SymbolLookup> load(String name) {
        try {
            return Optional.of(SymbolLookup.libraryLookup(name, Arena.global()));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    @SuppressWarnings("restricted") // as above; the descriptors are those of cublas_api.h and cuda.h
    private static MethodHandle function(SymbolLookup library, String name, MemoryLayout... arguments) {
        return Linker.nativeLinker().downcallHandle(library.findOrThrow(name), FunctionDescriptor.of(INT, arguments));
    }

    /** Queues {@code p} over the arrays at {@link CudaStream.Place#address}. */
    void multiply(ColumnMajor p) {
        useContext();
        factors.setAtIndex(ValueLayout.JAVA_FLOAT, 0, p.alpha());
        factors.setAtIndex(ValueLayout.JAVA_FLOAT, 1, p.beta());
        long alpha = factors.address();
        long beta = alpha + Float.BYTES;
        int ta = p.transA() ? 1 : 0;
        int tb = p.transB() ? 1 : 0;
        long a = place.address(p.aArray(), p.a());
        long b = place.address(p.bArray(), p.b());
        long c = place.address(p.cArray(), p.c());
        int compute = products.computeType;
        int status;
        try {
            status = p.batch() == 1
                    ? (int) multiply.invokeExact(handle, ta, tb, p.m(), p.n(), p.k(), alpha, a, REAL_32F, p.aLd(), b,
                            REAL_32F, p.bLd(), beta, c, REAL_32F, p.cLd(), compute, DEFAULT_ALGORITHM)
                    : (int) multiplyBatch.invokeExact(handle, ta, tb, p.m(), p.n(), p.k(), alpha, a, REAL_32F,
                            p.aLd(), p.aStride(), b, REAL_32F, p.bLd(), p.bStride(), beta, c, REAL_32F, p.cLd(),
                            p.cStride(), p.batch(), compute, DEFAULT_ALGORITHM);
        } catch (Throwable e) { // a method handle declares it; native code throws nothing
            throw new AssertionError(e);
        }
        if (status != 0) {
            check("a product (" + p + ")", status);
        }
    }

    /** Waits until everything queued has run. */
    void finish() {
        useContext();
        check("cuStreamSynchronize", call(waitForStream, place.stream()));
    }

    /** CUDA keeps a current context for each thread. */
    private void useContext() {
        check("cuCtxSetCurrent", call(setContext, place.context()));
    }

    private static int call(MethodHandle function, long argument) {
        try {
            return (int) function.invokeExact(argument);
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    private static int call(MethodHandle function, long argument, long second) {
        try {
            return (int) function.invokeExact(argument, second);
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    private void check(String what, int status) {
        if (status != 0) {
            throw new UserError("backend 'tornado': cuBLAS, " + what + ": status " + status
                    + ". Is there memory left on the device (" + Settings.MEMORY + ")? Without cuBLAS: "
                    + Settings.PRODUCTS + "=" + Settings.word(Products.PORTABLE));
        }
    }

    boolean roundsFactors() {
        return products.roundsFactors();
    }

    /** Version and precision, for people. */
    String description() {
        return "cuBLAS " + version + ", " + Settings.word(products);
    }
}
