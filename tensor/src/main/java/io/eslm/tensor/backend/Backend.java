// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend;

import io.eslm.tensor.DType;

/**
 * A place where tensors live and kernels run: its memory, the copies to and from Java arrays, and its {@link Kernels}.
 * {@link #read} is the only way results come back; a backend that runs kernels asynchronously waits for them there.
 */
public interface Backend extends AutoCloseable {
    /** Short name, by which {@link Backends#open} finds it: "scalar", "vector", "tornado". */
    String name();

    /** What it runs on, for people: vector width, threads, device. */
    String description();

    /** Width of the vectors that kernels compute with, in bits; 0 for plain loops. */
    default int vectorBits() {
        return 0;
    }

    /** Names all that the last bits of results depend on: where the names are equal, so are the bits. */
    default String arithmetic() {
        return name();
    }

    /** True if tensors of {@code dtype} can be allocated here. */
    boolean supports(DType dtype);

    Kernels kernels();

    /** What {@link #kernels} have done so far. */
    default FlopCounter flops() {
        return kernels().flops();
    }

    /** FLOP/s of {@link #measurePeak}, now or not long ago on this machine. NaN if unknown. */
    default double peakFlops() {
        return Double.NaN;
    }

    /** Measures the peak now, in well under a second on a machine that is not overloaded. */
    default Peak measurePeak() {
        return Peak.unknown();
    }

    /** Bytes that all storages together may take; the JVM's heap, for a backend without memory of its own. */
    default long memoryBytes() {
        return Runtime.getRuntime().maxMemory();
    }

    /** {@code size} elements, all zero. */
    Storage allocate(DType dtype, int size);

    /** A window of {@code size} elements from {@code offset} that shares the memory of {@code storage}. */
    Storage slice(Storage storage, int offset, int size);

    /** Copies {@code n} elements from {@code src[from]} to the start of {@code dst} (F32). */
    void write(Storage dst, float[] src, int from, int n);

    /** Copies {@code n} elements from {@code src[from]} to the start of {@code dst} (I32). */
    void write(Storage dst, int[] src, int from, int n);

    /** Copies {@code n} elements from {@code src[from]} to the start of {@code dst} (F32, rounded, or F64). */
    void write(Storage dst, double[] src, int from, int n);

    /** Copies the first {@code n} elements of {@code src} (F32) to {@code dst[to]}. */
    void read(Storage src, float[] dst, int to, int n);

    /** Copies the first {@code n} elements of {@code src} (I32) to {@code dst[to]}. */
    void read(Storage src, int[] dst, int to, int n);

    /** Copies the first {@code n} elements of {@code src} (F32 or F64) to {@code dst[to]}. */
    void read(Storage src, double[] dst, int to, int n);

    /** Waits until every kernel that was called has run. For timings: {@link #read} waits by itself. */
    default void finish() {
        // a kernel that has returned has run
    }

    /** How many kernels and copies a device was given so far; 0 where a kernel is a plain call. */
    default long launches() {
        return 0;
    }

    /** How often the host has waited for a device so far; 0 where a kernel is a plain call. */
    default long waits() {
        return 0;
    }

    @Override
    void close();
}
