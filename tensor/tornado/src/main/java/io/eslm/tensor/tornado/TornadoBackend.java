// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.tornado;

import io.eslm.tensor.Checks;
import io.eslm.tensor.DType;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Kernels;
import io.eslm.tensor.backend.Storage;
import java.util.Arrays;
import java.util.Objects;

/** F32 and I32 in the memory of one device; kernels run there one after the other, in the order of the calls,
 * and start when something is read or at {@link #finish}. */
public final class TornadoBackend implements Backend {
    private final DeviceMemory memory;
    private final TornadoKernels kernels;

    TornadoBackend(DeviceMemory memory) {
        this.memory = memory;
        kernels = new TornadoKernels(memory, this);
    }

    @Override
    public String name() {
        return "tornado";
    }

    @Override
    public String description() {
        return "TornadoVM on " + memory.device.description();
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
    public long memoryBytes() {
        return Float.BYTES * memory.device.floatCapacity();
    }

    @Override
    public long[] arrays() {
        return Arrays.stream(memory.device.floatCapacities()).mapToLong(n -> (long) Float.BYTES * n).toArray();
    }

    @Override
    public long scoreBytes(int batch, int time, int heads) {
        return kernels.scoreBytes(batch, time, heads);
    }

    @Override
    public boolean roundsFactors() {
        return memory.device.roundsFactors();
    }

    @Override
    public Storage allocate(DType dtype, int size) {
        Checks.check(supports(dtype), "allocate", "backend %s has no %s", name(), dtype);
        Storage storage = memory.allocate(dtype, size);
        kernels.fill(storage, size, 0);
        return storage;
    }

    @Override
    public Storage slice(Storage storage, int offset, int size) {
        return DeviceStorage.of(storage).slice(offset, size);
    }

    @Override
    public void write(Storage dst, float[] src, int from, int n) {
        memory.device.write(checked("write", dst, DType.F32, n), src, from, n);
    }

    @Override
    public void write(Storage dst, int[] src, int from, int n) {
        memory.device.write(checked("write", dst, DType.I32, n), src, from, n);
    }

    @Override
    public void write(Storage dst, double[] src, int from, int n) {
        float[] rounded = new float[n];
        for (int i = 0; i < n; i++) {
            rounded[i] = (float) src[from + i];
        }
        write(dst, rounded, 0, n);
    }

    @Override
    public void read(Storage src, float[] dst, int to, int n) {
        memory.device.read(checked("read", src, DType.F32, n), dst, to, n);
    }

    @Override
    public void read(Storage src, int[] dst, int to, int n) {
        memory.device.read(checked("read", src, DType.I32, n), dst, to, n);
    }

    @Override
    public void read(Storage src, double[] dst, int to, int n) {
        float[] values = new float[n];
        read(src, values, 0, n);
        for (int i = 0; i < n; i++) {
            dst[to + i] = values[i];
        }
    }

    @Override
    public boolean runsAhead() {
        return true;
    }

    @Override
    public void start() {
        memory.device.start();
    }

    @Override
    public void finish() {
        memory.device.finish();
    }

    @Override
    public long launches() {
        return memory.device.launches();
    }

    @Override
    public long waits() {
        return memory.device.waits();
    }

    private static DeviceStorage checked(String op, Storage storage, DType type, int n) {
        Checks.type(op, type, storage.dtype());
        Objects.checkFromIndexSize(0, n, storage.size());
        return DeviceStorage.of(storage);
    }

    /** The device stays prepared for the next backend on it; storages are given back when nothing holds them. */
    @Override
    public void close() {
        // the collector gives storages back
    }
}
