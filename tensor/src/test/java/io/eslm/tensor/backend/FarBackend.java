// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend;

import io.eslm.tensor.DType;

/** A device without a single kernel of its own: its memory is reached by reading and writing alone. F32 and I32. */
public final class FarBackend implements Backend {
    /** Names it "far"; it is listed nowhere. */
    public static final BackendProvider PROVIDER = new BackendProvider() {
        @Override
        public String name() {
            return "far";
        }

        @Override
        public int preference() {
            return -1;
        }

        @Override
        public String unusableBecause() {
            return null;
        }

        @Override
        public Backend open(int threads) {
            return new FarBackend();
        }
    };

    private record FarStorage(Storage hidden) implements Storage {
        @Override
        public DType dtype() {
            return hidden.dtype();
        }

        @Override
        public int size() {
            return hidden.size();
        }
    }

    private final Backend memory = new ScalarBackend();
    private final Kernels kernels = new DeviceKernels(this) {
    };

    private FarBackend() {
    }

    private static Storage hidden(Storage storage) {
        return ((FarStorage) storage).hidden;
    }

    @Override
    public String name() {
        return "far";
    }

    @Override
    public String description() {
        return "a device without kernels";
    }

    @Override
    public boolean supports(DType dtype) {
        return dtype != DType.F64;
    }

    @Override
    public Kernels kernels() {
        return kernels;
    }

    @Override
    public Storage allocate(DType dtype, int size) {
        return new FarStorage(memory.allocate(dtype, size));
    }

    @Override
    public Storage slice(Storage storage, int offset, int size) {
        return new FarStorage(memory.slice(hidden(storage), offset, size));
    }

    @Override
    public void write(Storage dst, float[] src, int from, int n) {
        memory.write(hidden(dst), src, from, n);
    }

    @Override
    public void write(Storage dst, int[] src, int from, int n) {
        memory.write(hidden(dst), src, from, n);
    }

    @Override
    public void write(Storage dst, double[] src, int from, int n) {
        memory.write(hidden(dst), src, from, n);
    }

    @Override
    public void read(Storage src, float[] dst, int to, int n) {
        memory.read(hidden(src), dst, to, n);
    }

    @Override
    public void read(Storage src, int[] dst, int to, int n) {
        memory.read(hidden(src), dst, to, n);
    }

    @Override
    public void read(Storage src, double[] dst, int to, int n) {
        memory.read(hidden(src), dst, to, n);
    }

    @Override
    public void close() {
        // nothing is open
    }
}
