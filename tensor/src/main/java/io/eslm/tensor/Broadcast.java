// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor;

/**
 * NumPy's broadcasting: shapes are aligned at the last axis, missing axes count as 1, and an axis of 1 repeats to fit the
 * other. For example (8, 1, 768) and (64, 768) give (8, 64, 768).
 */
public final class Broadcast {
    private Broadcast() {
    }

    /** The shape of {@code a} and {@code b} together. */
    public static Shape shape(String op, Shape a, Shape b) {
        int rank = Math.max(a.rank(), b.rank());
        int[] dims = new int[rank];
        for (int i = 1; i <= rank; i++) {
            int da = i <= a.rank() ? a.dim(-i) : 1;
            int db = i <= b.rank() ? b.dim(-i) : 1;
            Checks.check(da == db || da == 1 || db == 1, op, "shapes %s and %s do not broadcast: axis %d has %d and %d",
                    a, b, -i, da, db);
            dims[rank - i] = da == 1 ? db : da;
        }
        return Shape.of(dims);
    }

    /** Element strides that read a dense {@code from} as if it had the shape {@code to}: 0 along repeated axes. */
    public static int[] strides(Shape from, Shape to) {
        int[] strides = new int[to.rank()];
        int stride = 1;
        for (int i = 1; i <= from.rank(); i++) {
            int dim = from.dim(-i);
            strides[to.rank() - i] = dim == 1 ? 0 : stride;
            stride *= dim;
        }
        return strides;
    }
}
