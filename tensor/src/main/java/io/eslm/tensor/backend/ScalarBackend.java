// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend;

import io.eslm.tensor.Checks;
import io.eslm.tensor.DType;
import java.util.Objects;

/**
 * Memory in Java arrays and kernels in plain loops, on one thread, for all types: slow, and right by inspection. A faster
 * backend on the same memory extends it and brings its own kernels.
 */
public class ScalarBackend implements Backend {
    private final Kernels kernels;

    public ScalarBackend() {
        this(new Kernels() {
        });
    }

    /** @param kernels that work on {@link HeapStorage} */
    protected ScalarBackend(Kernels kernels) {
        this.kernels = kernels;
    }

    @Override
    public String name() { return "scalar"; }

    @Override
    public String description() { return "plain Java loops, 1 thread, F32 and F64"; }

    @Override
    public boolean supports(DType dtype) { return true; }

    @Override
    public final Kernels kernels() { return kernels; }

    @Override
    public Storage allocate(DType dtype, int size) {
        Checks.check(supports(dtype), "allocate", "backend %s has no %s", name(), dtype);
        return HeapStorage.allocate(dtype, size);
    }

    @Override
    public Storage slice(Storage storage, int offset, int size) {
        Objects.checkFromIndexSize(offset, size, storage.size());
        return HeapStorage.of(storage).slice(offset, size);
    }

    @Override
    public void write(Storage dst, float[] src, int from, int n) {
        HeapStorage.F32 s = (HeapStorage.F32) checked("write", dst, DType.F32, n);
        System.arraycopy(src, from, s.data, s.offset, n);
    }

    @Override
    public void write(Storage dst, int[] src, int from, int n) {
        HeapStorage.I32 s = (HeapStorage.I32) checked("write", dst, DType.I32, n);
        System.arraycopy(src, from, s.data, s.offset, n);
    }

    @Override
    public void write(Storage dst, double[] src, int from, int n) {
        HeapStorage s = floating("write", dst, n);
        for (int i = 0; i < n; i++) {
            s.set(i, src[from + i]);
        }
    }

    @Override
    public void read(Storage src, float[] dst, int to, int n) {
        HeapStorage.F32 s = (HeapStorage.F32) checked("read", src, DType.F32, n);
        System.arraycopy(s.data, s.offset, dst, to, n);
    }

    @Override
    public void read(Storage src, int[] dst, int to, int n) {
        HeapStorage.I32 s = (HeapStorage.I32) checked("read", src, DType.I32, n);
        System.arraycopy(s.data, s.offset, dst, to, n);
    }

    @Override
    public void read(Storage src, double[] dst, int to, int n) {
        HeapStorage s = floating("read", src, n);
        for (int i = 0; i < n; i++) {
            dst[to + i] = s.get(i);
        }
    }

    private static HeapStorage checked(String op, Storage s, DType type, int n) {
        Checks.type(op, type, s.dtype());
        Objects.checkFromIndexSize(0, n, s.size());
        return HeapStorage.of(s);
    }

    private static HeapStorage floating(String op, Storage s, int n) {
        Checks.check(s.dtype() != DType.I32, op, "needs a floating-point type, was given %s", s.dtype());
        return checked(op, s, s.dtype(), n);
    }

    @Override
    public void close() {
        // the heap needs no closing
    }
}
