// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.tornado;

import io.eslm.tensor.DType;
import java.lang.ref.Cleaner;

/**
 * A {@link Device} and the parts of its memory that are in use. A storage that nothing can reach any more is given
 * back.
 */
final class DeviceMemory {
    private static final Cleaner CLEANER = Cleaner.create();
    final Device device;
    private final Arena floats;
    private final Arena ints;

    DeviceMemory(Device device) {
        this.device = device;
        String advice = device.isLimited() ? ", or give the device's memory a higher limit in " + Settings.MEMORY : "";
        floats = new Arena("floats", 0, device.floatCapacity() / 16 * 16, advice);
        ints = new Arena("ints", 1 + Control.TICKETS, device.intCapacity() / 16 * 16, advice);
    }

    /** {@code size} elements, contents undefined. */
    DeviceStorage allocate(DType dtype, int size) {
        Arena arena = dtype == DType.I32 ? ints : floats;
        int offset = arena.tryAllocate(size);
        for (int attempt = 0; offset < 0 && attempt < 3; attempt++) {
            collect(attempt);
            offset = arena.tryAllocate(size);
        }
        if (offset < 0) {
            throw arena.full(size);
        }
        Object owner = new Object();
        int from = offset;
        Cleaner.Cleanable unused = CLEANER.register(owner, () -> arena.free(from, size));
        return new DeviceStorage(owner, dtype, offset, size);
    }

    /** Gives the collector and the cleaner a moment to find unreachable storages. */
    private static void collect(int attempt) {
        System.gc();
        try {
            Thread.sleep(20L << attempt);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Bytes in use. */
    long used() {
        return (floats.used() + ints.used()) * Float.BYTES;
    }
}
