// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.vector;

import java.util.ArrayList;
import java.util.List;

/**
 * Work arrays of the kernels, lent and given back, so that a training step allocates none after the first. Any thread
 * may borrow: there are never more arrays than were in use at one time.
 */
final class Scratch {
    private static final int GRAIN = 1024;
    private final List<float[]> free = new ArrayList<>();

    /** An array of at least {@code size} floats; contents undefined. */
    synchronized float[] take(int size) {
        int best = -1;
        for (int i = 0; i < free.size(); i++) {
            int length = free.get(i).length;
            if (length >= size && (best < 0 || length < free.get(best).length)) {
                best = i;
            }
        }
        return best >= 0 ? free.remove(best) : new float[(int) Math.min(Integer.MAX_VALUE - 8, roundUp(size))];
    }

    /** Takes back what {@link #take} gave; the caller must not use it any more. */
    synchronized void give(float[] array) {
        free.add(array);
    }

    private static long roundUp(int size) {
        return ((long) size + GRAIN - 1) / GRAIN * GRAIN;
    }
}
