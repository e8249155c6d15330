// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.collective;

/** Adds the ranks' numbers in their order, a few thousand at a time, which stay in the first-level cache. */
final class RankSum {
    /** Numbers at a time, at most. */
    static final int MOST = 1 << 13;

    private final Floats sum;
    private final boolean addToSum;
    private final float[] total = new float[MOST];
    private long at;
    private int n;
    private boolean begun;

    RankSum(Floats sum, boolean addToSum) {
        this.sum = sum;
        this.addToSum = addToSum;
    }

    /** The next additions are to {@code sum[from]} and the {@code count} − 1 after it. */
    void begin(long from, int count) {
        at = from;
        n = count;
        begun = addToSum;
        if (addToSum) {
            sum.read(at, total, n);
        }
    }

    /** Adds one rank's numbers. */
    void add(float[] part) {
        if (begun) {
            for (int i = 0; i < n; i++) {
                total[i] += part[i];
            }
        } else {
            System.arraycopy(part, 0, total, 0, n);
            begun = true;
        }
    }

    void end() {
        sum.write(at, total, n);
    }
}
