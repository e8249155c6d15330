// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * Copies of a device's storages for one kernel that runs on the host. Windows that overlap get a copy each: an output overlaps
 * an input only where a kernel works in place, and such a kernel reads an element before it writes it.
 */
final class HostCopies implements KernelBase.Elements {
    private record Copy(Storage storage, HeapStorage before, HeapStorage now) {
        boolean changed() {
            int i = 0;
            while (i < now.size() && Double.compare(now.get(i), before.get(i)) == 0) {
                i++;
            }
            return i < now.size();
        }
    }

    private final Backend device;
    private final List<Copy> copies = new ArrayList<>();

    private HostCopies(Backend device) {
        this.device = device;
    }

    /** Runs {@code definition} over copies, then writes back those that it changed. */
    static void run(Backend device, Consumer<KernelBase.Elements> definition) {
        HostCopies copies = new HostCopies(device);
        definition.accept(copies);
        copies.writeBack();
    }

    @Override
    public HeapStorage of(Storage storage) {
        if (storage == null) {
            return null;
        }
        for (Copy copy : copies) {
            if (copy.storage.equals(storage)) {
                return copy.now;
            }
        }
        HeapStorage now = read(device, storage, storage.size());
        HeapStorage before = HeapStorage.allocate(storage.dtype(), storage.size());
        ArrayDefinitions.copy(before, now, now.size());
        copies.add(new Copy(storage, before, now));
        return now;
    }

    /** The first {@code n} elements of {@code storage}. */
    static HeapStorage read(Backend device, Storage storage, int n) {
        HeapStorage heap = HeapStorage.allocate(storage.dtype(), n);
        switch (heap) {
            case HeapStorage.F32 f -> device.read(storage, f.data, 0, n);
            case F64Storage d -> device.read(storage, d.data, 0, n);
            case HeapStorage.I32 i -> device.read(storage, i.data, 0, n);
            case Q8Storage _ -> throw new AssertionError();
        }
        return heap;
    }

    /**
     * Copies back the storages that the kernel changed, and no others: the copy of an input may be older than an output
     * in the same memory.
     */
    private void writeBack() {
        for (Copy copy : copies) {
            if (copy.changed()) {
                switch (copy.now) {
                    case HeapStorage.F32 f -> device.write(copy.storage, f.data, 0, f.size());
                    case F64Storage d -> device.write(copy.storage, d.data, 0, d.size());
                    case HeapStorage.I32 i -> device.write(copy.storage, i.data, 0, i.size());
                    case Q8Storage _ -> throw new AssertionError();
                }
            }
        }
    }
}
