// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.collective;

import java.util.Arrays;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * Notices a rank for which the others wait: one that, {@value #ROUNDS} times in a row, was busy more than twice as long as the median
 * rank before it came to an exchange. It is named once. Exchanges to which most ranks come at once, as those of a checkpoint, do not
 * count.
 */
final class Pace {
    static final int ROUNDS = 5;
    /** Of the median rank, in nanoseconds: what is shorter says more about the system than about the rank. */
    static final long LEAST = TimeUnit.MILLISECONDS.toNanos(100);

    private final Consumer<String> notes;
    private final long[] sorted;
    private int slow = -1;
    private int rounds;
    private boolean said;

    /** @param notes hears which rank is slow */
    Pace(int world, Consumer<String> notes) {
        this.notes = notes;
        sorted = new long[world];
    }

    /** An exchange. @param busy nanoseconds since the one before, of each rank */
    void round(long[] busy) {
        if (said) {
            return;
        }
        System.arraycopy(busy, 0, sorted, 0, busy.length);
        Arrays.sort(sorted);
        long median = sorted[(sorted.length - 1) / 2];
        if (median < LEAST) {
            return;
        }
        int slowest = 0;
        for (int r = 1; r < busy.length; r++) {
            slowest = busy[r] > busy[slowest] ? r : slowest;
        }
        rounds = busy[slowest] <= 2 * median ? 0 : slowest == slow ? rounds + 1 : 1;
        slow = slowest;
        if (rounds == ROUNDS) {
            said = true;
            notes.accept(String.format(Locale.ROOT,
                    "rank %d is slow, and all wait for it: %d times in a row it took more than twice as long as the median rank, "
                            + "in the last one %.2f s instead of %.2f s",
                    slow, ROUNDS, busy[slowest] * 1e-9, median * 1e-9));
        }
    }
}
