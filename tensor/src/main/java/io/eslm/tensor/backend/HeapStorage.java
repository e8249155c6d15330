// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend;

import io.eslm.tensor.DType;

/**
 * Storage in a Java array: {@code size} elements of {@code data} from {@code offset}. {@link #get} and {@link #set} use
 * double whatever the type, so that one plain loop defines a kernel for F32 and F64; fast kernels use the array.
 */
public abstract sealed class HeapStorage implements Storage
        permits HeapStorage.F32, HeapStorage.I32, F64Storage, Q8Storage {
    private final DType dtype;
    public final int offset;
    private final int size;

    HeapStorage(DType dtype, int offset, int size) {
        this.dtype = dtype;
        this.offset = offset;
        this.size = size;
    }

    /** {@code size} zeros. */
    public static HeapStorage allocate(DType type, int size) {
        return switch (type) {
            case F32 -> new F32(new float[size], 0, size);
            case F64 -> new F64Storage(new double[size], 0, size);
            case I32 -> new I32(new int[size], 0, size);
        };
    }

    /** {@code storage} as heap memory; null stays null. Memory of a device is an error, never a hidden copy. */
    public static HeapStorage of(Storage storage) {
        if (storage == null || storage instanceof HeapStorage) {
            return (HeapStorage) storage;
        }
        throw new IllegalArgumentException("kernel: a " + storage.getClass().getSimpleName()
                + " is not memory of a CPU backend; copy the tensor first with Tensor.to(backend)");
    }

    public abstract double get(int i);

    /** Stores {@code value}, rounded to the element type. */
    public abstract void set(int i, double value);

    /** {@code n} elements from {@code from}, which share this memory. */
    public abstract HeapStorage slice(int from, int n);

    @Override
    public DType dtype() { return dtype; }

    @Override
    public int size() { return size; }

    /** Single precision. */
    public static final class F32 extends HeapStorage {
        public final float[] data;

        public F32(float[] data, int offset, int size) {
            super(DType.F32, offset, size);
            this.data = data;
        }

        @Override
        public double get(int i) { return data[offset + i]; }

        @Override
        public void set(int i, double value) { data[offset + i] = (float) value; }

        @Override
        public HeapStorage slice(int from, int n) { return new F32(data, offset + from, n); }
    }

    /** Token ids and row indices. */
    public static final class I32 extends HeapStorage {
        public final int[] data;

        I32(int[] data, int offset, int size) {
            super(DType.I32, offset, size);
            this.data = data;
        }

        @Override
        public double get(int i) { return data[offset + i]; }

        @Override
        public void set(int i, double value) { data[offset + i] = (int) value; }

        @Override
        public HeapStorage slice(int from, int n) { return new I32(data, offset + from, n); }
    }
}
