// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.tornado;

import io.eslm.tensor.UserError;
import java.util.Arrays;
import java.util.Locale;

/**
 * The ranges in use of a device's floats, which are in as few arrays as TornadoVM and the driver allow. A range lies in one array.
 * The first array with room for it is taken, so what comes first and stays (weights) shares the first arrays.
 */
final class Arenas {
    /** The most floats of one array: TornadoVM counts elements with an int, and the last few numbers stay unused. */
    static final long MOST = Integer.MAX_VALUE - 64L;

    /** A range: the number of its array, and its first element there. */
    record Place(int array, int from) {
    }

    private final Arena[] arrays;
    private final String advice;
    private final boolean spread;
    private int turn;

    /**
     * @param advice for messages: what else may help, beside less work, where there is no room
     * @param spread for tests: what comes next is in the next array
     */
    Arenas(int[] sizes, String advice, boolean spread) {
        this.advice = advice;
        this.spread = spread;
        arrays = Arrays.stream(sizes).mapToObj(size -> new Arena("floats", 0, size / Arena.GRAIN * Arena.GRAIN, advice))
                .toArray(Arena[]::new);
    }

    /**
     * How many floats each array has.
     *
     * @param bytes of all arrays together
     * @param most bytes of one array
     */
    static int[] sizes(long bytes, long most) {
        long each = Math.min(MOST, most / Float.BYTES) / 64 * 64;
        long all = Math.max(1, bytes / Float.BYTES / 64 * 64);
        int[] sizes = new int[(int) ((all + each - 1) / each)];
        Arrays.fill(sizes, (int) each);
        sizes[sizes.length - 1] = (int) (all - each * (sizes.length - 1));
        return sizes;
    }

    /** The place of {@code size} elements that are free; null if no array has so many in one range. */
    Place tryAllocate(int size) {
        int first = spread ? turn++ : 0;
        for (int i = 0; i < arrays.length; i++) {
            int array = (first + i) % arrays.length;
            int from = arrays[array].tryAllocate(size);
            if (from >= 0) {
                return new Place(array, from);
            }
        }
        return null;
    }

    /** Takes back what {@link #tryAllocate} gave for {@code size}. */
    void free(Place place, int size) {
        arrays[place.array].free(place.from, size);
    }

    /** Elements in use. */
    long used() {
        return Arrays.stream(arrays).mapToLong(Arena::used).sum();
    }

    UserError full(int size) {
        if (arrays.length == 1) {
            return arrays[0].full(size);
        }
        long all = Arrays.stream(arrays).mapToLong(Arena::capacity).sum();
        int largest = Arrays.stream(arrays).mapToInt(Arena::largest).max().orElse(0);
        return new UserError(String.format(Locale.ROOT,
                "backend 'tornado': no room for %,d more floats in one range; %,d of %,d in %d arrays are in use, and the largest free "
                        + "range has %,d. Use a smaller batch size, and more gradient accumulation for the same step%s",
                size, used(), all, arrays.length, largest, advice));
    }
}
