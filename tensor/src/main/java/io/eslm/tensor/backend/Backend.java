// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend;

import io.eslm.tensor.DType;

/**
 * A place where tensors live and kernels run: its memory, the copies to and from Java arrays, and its {@link Kernels}.
 * {@link #read} is the only way results come back; a backend that runs kernels asynchronously waits for them there.
 */
public interface Backend extends BackendInfo, AutoCloseable {
    /** True if tensors of {@code dtype} can be allocated here. */
    boolean supports(DType dtype);

    Kernels kernels();

    /** What {@link #kernels} have done so far. */
    default FlopCounter flops() { return kernels().flops(); }

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

    /** Starts the kernels that were called, without waiting for them, where a device collects them. */
    default void start() {
        // a kernel that has returned has run
    }

    /** Waits until every kernel that was called has run. For timings: {@link #read} waits by itself. */
    default void finish() {
        // a kernel that has returned has run
    }

    @Override
    void close();
}
