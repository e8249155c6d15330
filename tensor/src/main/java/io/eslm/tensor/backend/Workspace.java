// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend;

import io.eslm.tensor.DType;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Reuses the storages of one training step in the next, so that a step allocates nothing once the first ones have run.
 * Not thread-safe: one workspace for one training loop. Tests extend it to poison what was released.
 */
public class Workspace {
    /** Sizes are rounded up to this many elements, so that nearly equal sizes (kept rows of a batch) share storages. */
    private static final int GRAIN = 1024;
    private final Backend backend;
    private final Map<DType, TreeMap<Integer, List<Storage>>> free = new EnumMap<>(DType.class);
    private long allocatedBytes;

    public Workspace(Backend backend) {
        this.backend = backend;
        for (DType type : DType.values()) {
            free.put(type, new TreeMap<>());
        }
    }

    public Backend backend() { return backend; }

    /** A storage of at least {@code size} elements; contents undefined. */
    public Storage acquire(DType type, int size) {
        TreeMap<Integer, List<Storage>> pool = free.get(type);
        int wanted = (int) Math.min(Integer.MAX_VALUE - 8, (Math.max(1L, size) + GRAIN - 1) / GRAIN * GRAIN);
        Map.Entry<Integer, List<Storage>> fit = pool.ceilingEntry(wanted);
        if (fit != null && fit.getKey() <= wanted + (long) wanted / 4) {
            return take(pool, fit);
        }
        dropOutgrown(pool, wanted);
        allocatedBytes += (long) wanted * type.bytes();
        return backend.allocate(type, wanted);
    }

    /** Where steps keep more and more rows, storages become too small: lets go of the largest of these. */
    private void dropOutgrown(TreeMap<Integer, List<Storage>> pool, int wanted) {
        Map.Entry<Integer, List<Storage>> smaller = pool.floorEntry(wanted);
        if (smaller != null && smaller.getKey() > wanted / 2) {
            allocatedBytes -= (long) smaller.getKey() * take(pool, smaller).dtype().bytes();
        }
    }

    private static Storage take(TreeMap<Integer, List<Storage>> pool, Map.Entry<Integer, List<Storage>> entry) {
        Storage s = entry.getValue().removeLast();
        if (entry.getValue().isEmpty()) {
            pool.remove(entry.getKey());
        }
        return s;
    }

    /** Takes back what {@link #acquire} gave; do not use it afterwards. */
    public void release(Storage storage) {
        free.get(storage.dtype()).computeIfAbsent(storage.size(), n -> new ArrayList<>()).add(storage);
    }

    /** Bytes of all storages that this workspace holds, in use or free. */
    public long allocatedBytes() {
        return allocatedBytes;
    }
}
