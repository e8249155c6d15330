// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.tornado;

import io.eslm.tensor.backend.Storage;

/**
 * One matrix product y = alpha·op(a)·op(b) as the device is asked for it: op(a) (m, k), op(b) (k, n) → y (m, n), rows
 * {@code stride} elements apart, in a batch or alone. The one place that knows who computes it: {@link Gemm} so far.
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
        new Call(device)
                .with(place(y, offsets[0]), place(a, offsets[1]), place(b, offsets[2]), m, k, n).with(strides)
                .with(flags, part, past).with(bias, residual, pre).with(windows).scalars(alpha)
                .grid(DeviceKernel.GEMM, tiles(n), tiles(m), batch);
    }

    private static int place(Storage s, int from) {
        return DeviceStorage.of(s).offset() + from;
    }

    private static int tiles(int length) {
        return (length + Gemm.TILE - 1) / Gemm.TILE;
    }
}
