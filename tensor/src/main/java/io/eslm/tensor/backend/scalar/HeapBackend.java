// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.scalar;

import io.eslm.tensor.Checks;
import io.eslm.tensor.DType;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.CountedKernels;
import io.eslm.tensor.backend.FlopCounter;
import io.eslm.tensor.backend.Kernels;
import io.eslm.tensor.backend.Storage;
import java.util.Objects;

/**
 * What backends over {@link HeapStorage} share: counted kernels, allocation, windows, and the copies to and from Java arrays.
 */
public abstract class HeapBackend implements Backend {
    private final CountedKernels kernels;

    /** @param kernels that work on {@link HeapStorage} */
    protected HeapBackend(Kernels kernels) {
        this.kernels = new CountedKernels(kernels, this);
    }

    @Override
    public Kernels kernels() {
        return kernels;
    }

    @Override
    public FlopCounter flops() {
        return kernels.flops();
    }

    @Override
    public Storage allocate(DType dtype, int size) {
        Checks.check(supports(dtype), "allocate", "backend %s has no %s", name(), dtype);
        return HeapStorage.allocate(dtype, size);
    }

    @Override
    public Storage slice(Storage storage, int offset, int size) {
        Objects.checkFromIndexSize(offset, size, storage.size());
        return ScalarKernels.heap(storage).slice(offset, size);
    }

    @Override
    public void write(Storage dst, float[] src, int from, int n) {
        HeapStorage.F32 s = checked("write", dst, DType.F32, n, HeapStorage.F32.class);
        System.arraycopy(src, from, s.data, s.offset, n);
    }

    @Override
    public void write(Storage dst, int[] src, int from, int n) {
        HeapStorage.I32 s = checked("write", dst, DType.I32, n, HeapStorage.I32.class);
        System.arraycopy(src, from, s.data, s.offset, n);
    }

    @Override
    public void write(Storage dst, double[] src, int from, int n) {
        HeapStorage s = checkedFloat("write", dst, n);
        for (int i = 0; i < n; i++) {
            s.set(i, src[from + i]);
        }
    }

    @Override
    public void read(Storage src, float[] dst, int to, int n) {
        HeapStorage.F32 s = checked("read", src, DType.F32, n, HeapStorage.F32.class);
        System.arraycopy(s.data, s.offset, dst, to, n);
    }

    @Override
    public void read(Storage src, int[] dst, int to, int n) {
        HeapStorage.I32 s = checked("read", src, DType.I32, n, HeapStorage.I32.class);
        System.arraycopy(s.data, s.offset, dst, to, n);
    }

    @Override
    public void read(Storage src, double[] dst, int to, int n) {
        HeapStorage s = checkedFloat("read", src, n);
        for (int i = 0; i < n; i++) {
            dst[to + i] = s.get(i);
        }
    }

    private static <S extends HeapStorage> S checked(String op, Storage s, DType type, int n, Class<S> kind) {
        Checks.type(op, type, s.dtype());
        Objects.checkFromIndexSize(0, n, s.size());
        return kind.cast(ScalarKernels.heap(s));
    }

    private static HeapStorage checkedFloat(String op, Storage s, int n) {
        Checks.floating(op, s.dtype());
        Objects.checkFromIndexSize(0, n, s.size());
        return ScalarKernels.heap(s);
    }
}
