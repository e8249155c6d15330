// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.tornado;

import io.eslm.tensor.UserError;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * Keeps track of the ranges in use of one array on the device: first fit, and neighbours are joined again when they are
 * given back. Device memory itself is taken once and whole, since a prepared program is bound to its arrays.
 */
final class Arena {
    /** Ranges begin at multiples of this many elements (64 bytes). */
    static final int GRAIN = 16;
    private final String what;
    private final int capacity;
    private final String advice;
    /** Free ranges: first element ↦ number of elements. */
    private final TreeMap<Integer, Integer> free = new TreeMap<>();
    private long used;

    /**
     * @param what the elements, for messages
     * @param reserved elements at the start that are never given out
     * @param advice for messages: what else may help, beside less work, where there is no room
     */
    Arena(String what, int reserved, int capacity, String advice) {
        this.what = what;
        this.advice = advice;
        this.capacity = capacity;
        int first = rounded(reserved);
        free.put(first, capacity - first);
    }

    /** The place of {@code size} elements that are free; −1 if there are none. */
    synchronized int tryAllocate(int size) {
        int wanted = rounded(size);
        int from = -1;
        for (Map.Entry<Integer, Integer> range : free.entrySet()) {
            if (range.getValue() >= wanted) {
                from = range.getKey();
                break;
            }
        }
        if (from >= 0) {
            int left = free.remove(from) - wanted;
            if (left > 0) {
                free.put(from + wanted, left);
            }
            used += wanted;
        }
        return from;
    }

    /** Takes back what {@link #tryAllocate} gave for {@code size}. */
    synchronized void free(int from, int size) {
        int n = rounded(size);
        used -= n;
        Map.Entry<Integer, Integer> after = free.higherEntry(from);
        if (after != null && after.getKey() == from + n) {
            free.remove(after.getKey());
            n += after.getValue();
        }
        Map.Entry<Integer, Integer> before = free.lowerEntry(from);
        if (before != null && before.getKey() + before.getValue() == from) {
            free.put(before.getKey(), before.getValue() + n);
        } else {
            free.put(from, n);
        }
    }

    /** Elements in use. */
    synchronized long used() {
        return used;
    }

    int capacity() {
        return capacity;
    }

    /** Elements of the largest free range. */
    synchronized int largest() {
        return free.values().stream().mapToInt(Integer::intValue).max().orElse(0);
    }

    UserError full(int size) {
        return new UserError(String.format(Locale.ROOT,
                "backend 'tornado': no room for %,d more %s; %,d of %,d are in use. Use a smaller batch size, and more "
                        + "gradient accumulation for the same step%s",
                size, what, used(), capacity, advice));
    }

    private static int rounded(int size) {
        return (int) Math.min(Integer.MAX_VALUE / GRAIN * GRAIN, (Math.max(1L, size) + GRAIN - 1) / GRAIN * GRAIN);
    }
}
