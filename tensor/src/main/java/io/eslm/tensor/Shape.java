// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor;

import java.util.Arrays;

/** Dimensions of a tensor, outermost first. Immutable. A scalar has rank 0 and size 1. */
public final class Shape {
    private final int[] dims;
    private final int size;

    private Shape(int[] dims) {
        this.dims = dims;
        long n = 1;
        for (int d : dims) {
            if (d < 0) {
                throw new IllegalArgumentException(
                        "shape: dimension " + d + " is negative in " + Arrays.toString(dims));
            }
            n *= d;
            if (n > Integer.MAX_VALUE) {
                throw new IllegalArgumentException("shape: " + Arrays.toString(dims)
                        + " has more than 2^31 - 1 elements; use a smaller batch or split the tensor");
            }
        }
        this.size = (int) n;
    }

    public static Shape of(int... dims) { return new Shape(Checks.notNull("shape", "dims", dims).clone()); }

    public int rank() { return dims.length; }

    /** Number of elements. */
    public int size() { return size; }

    /** Dimension {@code axis}; negative axes count from the end, so {@code dim(-1)} is the innermost. */
    public int dim(int axis) {
        return dims[Checks.axis("dim", axis, this)];
    }

    /** A copy of the dimensions. */
    public int[] dims() { return dims.clone(); }

    /** Product of all dimensions but the last: the number of rows as a matrix. Rank 0 counts as one row. */
    public int rows() {
        int n = 1;
        for (int i = 0; i < dims.length - 1; i++) {
            n *= dims[i];
        }
        return n;
    }

    /** The last dimension: the length of a row; 1 for rank 0. */
    public int cols() {
        return dims.length == 0 ? 1 : dims[dims.length - 1];
    }

    /** This shape with dimension {@code axis} replaced by {@code dim}. */
    public Shape with(int axis, int dim) {
        int[] d = dims.clone();
        d[Checks.axis("with", axis, this)] = dim;
        return new Shape(d);
    }

    @Override
    public boolean equals(Object o) { return o instanceof Shape s && Arrays.equals(dims, s.dims); }

    @Override
    public int hashCode() { return Arrays.hashCode(dims); }

    /** For example {@code (8, 64, 768)}. */
    @Override
    public String toString() { return text(dims); }

    static String text(int[] dims) {
        String s = Arrays.toString(dims);
        return "(" + s.substring(1, s.length() - 1) + ")";
    }
}
