// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.tornado;

import io.eslm.tensor.DType;
import io.eslm.tensor.tornado.Arenas.Place;
import java.lang.ref.Cleaner;

/**
 * A {@link Device} and the parts of its memory that are in use. A storage that nothing can reach any more is given
 * back.
 */
final class DeviceMemory {
    private static final Cleaner CLEANER = Cleaner.create();
    final Device device;
    private final Arenas floats;
    private final Arena ints;

    DeviceMemory(Device device) {
        this(device, false);
    }

    /** @param spread see {@link Arenas} */
    DeviceMemory(Device device, boolean spread) {
        this.device = device;
        String advice = device.isLimited() ? ", or give the device's memory a higher limit in " + Settings.MEMORY : "";
        floats = new Arenas(device.floatCapacities(), advice, spread);
        ints = new Arena("ints", 1 + Control.TICKETS, device.intCapacity() / Arena.GRAIN * Arena.GRAIN, advice);
    }

    /** {@code size} elements, contents undefined. */
    DeviceStorage allocate(DType dtype, int size) {
        Place place = tryAllocate(dtype, size);
        for (int attempt = 0; place == null && attempt < 3; attempt++) {
            collect(attempt);
            place = tryAllocate(dtype, size);
        }
        if (place == null) {
            throw dtype == DType.I32 ? ints.full(size) : floats.full(size);
        }
        Object owner = new Object();
        Place given = place;
        Cleaner.Cleanable unused = CLEANER.register(owner, () -> free(dtype, given, size));
        return new DeviceStorage(owner, dtype, place.array(), place.from(), size);
    }

    private Place tryAllocate(DType dtype, int size) {
        if (dtype != DType.I32) {
            return floats.tryAllocate(size);
        }
        int from = ints.tryAllocate(size);
        return from < 0 ? null : new Place(0, from);
    }

    private void free(DType dtype, Place place, int size) {
        if (dtype == DType.I32) {
            ints.free(place.from(), size);
        } else {
            floats.free(place, size);
        }
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
