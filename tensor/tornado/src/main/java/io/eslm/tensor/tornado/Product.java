// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.tornado;

import io.eslm.tensor.backend.Storage;
import java.util.ArrayList;
import java.util.List;

/**
 * One matrix product y = alpha·op(a)·op(b) on the device: op(a) (m, k), op(b) (k, n) → y (m, n), rows {@code stride}
 * elements apart, in a batch or alone. The one place that knows what computes it: {@link CuBlas} where the device has
 * it, else {@link Gemm}.
 */
final class Product {
    private final Storage y;
    private final Storage a;
    private final Storage b;
    private final int m;
    private final int k;
    private final int n;
    private final int[] strides;
    private final int[] offsets = new int[3];
    private int flags;
    private int part = Gemm.WHOLE;
    private int past;
    private Storage bias;
    private Storage residual;
    private Storage pre;
    private double alpha = 1;
    private int batch = 1;
    private int[] windows = {1, 0, 0, 0, 0, 0, 0};

    Product(Storage y, Storage a, Storage b, int m, int k, int n) {
        this.y = y;
        this.a = a;
        this.b = b;
        this.m = m;
        this.k = k;
        this.n = n;
        strides = new int[] {n, k, n};
    }

    /** a is stored (k, m), b (n, k), where transposed. */
    Product transposed(boolean transA, boolean transB) {
        flags = flags | (transA ? Gemm.TRANS_A : 0) | (transB ? Gemm.TRANS_B : 0);
        strides[1] = transA ? m : k;
        strides[2] = transB ? k : n;
        return this;
    }

    Product accumulate(boolean add) {
        flags |= add ? Gemm.ACCUMULATE : 0;
        return this;
    }

    /** Elements from row to row as they are stored, instead of dense rows; after {@link #transposed}. */
    Product strides(int yStride, int aStride, int bStride) {
        strides[0] = yStride;
        strides[1] = aStride;
        strides[2] = bStride;
        return this;
    }

    /** Where the matrices begin in their storages. */
    Product offsets(int yFrom, int aFrom, int bFrom) {
        offsets[0] = yFrom;
        offsets[1] = aFrom;
        offsets[2] = bFrom;
        return this;
    }

    /** Adds bias (n) and residual (m, n); keeps that in pre (m, n) and takes its GELU. Each may be null. */
    Product then(Storage addBias, Storage addResidual, Storage keepPre) {
        bias = addBias;
        residual = addResidual;
        pre = keepPre;
        return this;
    }

    Product scaled(double factor) {
        alpha = factor;
        return this;
    }

    /** Only a part is wanted, or only a part of a is not 0: {@link Gemm#LOWER} and the others. */
    Product causal(int wantedPart, int pastKeys) {
        part = wantedPart;
        past = pastKeys;
        return this;
    }

    /** Product z has its windows at z/inner·outer stride + z%inner·inner stride. */
    Product batch(int count, int inner, int yOuter, int aOuter, int bOuter, int yInner, int aInner, int bInner) {
        batch = count;
        windows = new int[] {inner, yOuter, aOuter, bOuter, yInner, aInner, bInner};
        return this;
    }

    void launch(Device device) {
        if (device.hasCuBlas() && k > 0) { // BLAS has no leading dimension of 0
            columnMajor().forEach(device::multiply);
            if (bias != null || residual != null || pre != null) {
                finish(device);
            }
        } else {
            call(device, flags).grid(DeviceKernel.GEMM, tiles(n), tiles(m), batch);
        }
    }

    /** Does what {@link #then} asks for, where y already holds the product. */
    void finish(Device device) {
        rest(new Call(device).from(y, offsets[0]).with(Control.NONE, Control.NONE), flags | Gemm.ACCUMULATE)
                .each(DeviceKernel.GEMM_FINISH, m * n);
    }

    private Call call(Device device, int bits) {
        return rest(new Call(device).from(y, offsets[0]).from(a, offsets[1]).from(b, offsets[2]), bits);
    }

    /** {@code call} with what follows the three matrices. */
    private Call rest(Call call, int bits) {
        return call.with(m, k, n).with(strides).with(bits, part, past).with(bias, residual, pre).with(windows)
                .scalars(alpha);
    }

    /**
     * The product as calls of BLAS, without what follows it: yᵀ = alpha·op(b)ᵀ·op(a)ᵀ. One call, if the windows of the
     * batch are evenly spaced, else as many as there are inner or outer ones. Causal products are computed whole: the
     * part of y that nobody wants also gets numbers, and the zeros of a are multiplied, so their partners must be
     * finite.
     */
    List<ColumnMajor> columnMajor() {
        int inner = windows[0];
        int outer = batch / inner;
        boolean even = true;
        for (int i = 1; i <= 3; i++) {
            even &= windows[i] == inner * windows[i + 3];
        }
        List<ColumnMajor> calls = new ArrayList<>();
        if (m == 0 || n == 0 || batch == 0) {
            return calls;
        }
        if (inner == 1 || even) {
            calls.add(columnMajor(0, 0, inner == 1 ? 1 : 4, batch));
        } else if (outer <= inner) {
            for (int i = 0; i < outer; i++) {
                calls.add(columnMajor(1, i, 4, inner));
            }
        } else {
            for (int i = 0; i < inner; i++) {
                calls.add(columnMajor(4, i, 1, outer));
            }
        }
        return calls;
    }

    /**
     * {@code count} products from window {@code index}; {@code from} and {@code step} say where the strides begin among
     * the {@link #windows} that lead to the first and from each to the next.
     */
    private ColumnMajor columnMajor(int from, int index, int step, int count) {
        int[] first = new int[3];
        Storage[] storages = {y, a, b};
        for (int i = 0; i < 3; i++) {
            first[i] = place(storages[i], offsets[i]) + (from == 0 ? 0 : index * windows[from + i]);
        }
        return new ColumnMajor((flags & Gemm.TRANS_B) != 0, (flags & Gemm.TRANS_A) != 0, n, m, k, (float) alpha,
                array(b), first[2], strides[2], windows[step + 2], array(a), first[1], strides[1], windows[step + 1],
                (flags & Gemm.ACCUMULATE) != 0 ? 1 : 0, array(y), first[0], strides[0], windows[step], count);
    }

    private static int place(Storage s, int from) {
        return DeviceStorage.of(s).offset() + from;
    }

    private static int array(Storage s) {
        return DeviceStorage.of(s).array();
    }

    private static int tiles(int length) {
        return (length + Gemm.TILE - 1) / Gemm.TILE;
    }
}
