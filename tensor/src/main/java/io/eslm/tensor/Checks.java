// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor;

import io.eslm.tensor.backend.Backend;

/**
 * The checks of the library. Every message names the operation, the broken rule, the numbers, the shapes, and a next
 * step where there is one.
 */
public final class Checks {
    private Checks() {
    }

    /** The general form: {@code rule} must hold, else {@code op: message}. */
    public static void check(boolean rule, String op, String message, Object... args) {
        if (!rule) {
            throw new IllegalArgumentException(op + ": " + String.format(message, args));
        }
    }

    /** {@code value}, which must not be null. */
    public static <T> T notNull(String op, String name, T value) {
        if (value == null) {
            throw new IllegalArgumentException(op + ": " + name + " is null");
        }
        return value;
    }

    /** {@code axis} as an index from 0; negative ones count from the end. */
    public static int axis(String op, int axis, Shape shape) {
        int a = axis < 0 ? axis + shape.rank() : axis;
        if (a < 0 || a >= shape.rank()) {
            throw new IllegalArgumentException(op + ": axis " + axis + " is outside the " + shape.rank() + " axes of "
                    + shape);
        }
        return a;
    }

    /** At least {@code rank} axes. */
    public static void rankAtLeast(String op, int rank, Shape shape) {
        if (shape.rank() < rank) {
            throw new IllegalArgumentException(
                    op + ": needs at least " + rank + (rank == 1 ? " axis" : " axes") + ", shape "
                            + shape + " has " + shape.rank() + "; reshape it first");
        }
    }

    /** 0 ≤ from ≤ to ≤ dimension {@code axis}. */
    public static void range(String op, int from, int to, int axis, Shape shape) {
        if (from < 0 || from > to || to > shape.dim(axis)) {
            throw new IllegalArgumentException(
                    op + ": [" + from + ", " + to + ") is outside axis " + axis + " of " + shape
                            + ", which has " + shape.dim(axis) + " elements");
        }
    }

    /** An index from 0 along {@code axis}. */
    public static void index(String op, int index, int axis, Shape shape) {
        if (index < 0 || index >= shape.dim(axis)) {
            throw new IndexOutOfBoundsException(op + ": index " + index + " is outside axis " + axis + " of " + shape);
        }
    }

    public static void sameShape(String op, Shape a, Shape b) {
        if (!a.equals(b)) {
            throw new IllegalArgumentException(op + ": shapes differ: " + a + " and " + b);
        }
    }

    public static void sameBackend(String op, Backend a, Backend b) {
        if (a != b) {
            throw new IllegalArgumentException(
                    op + ": tensors live on different backends (" + a.name() + " and " + b.name()
                            + "); copy one over first with Tensor.to(backend)");
        }
    }

    public static void sameType(String op, DType a, DType b) {
        if (a != b) {
            throw new IllegalArgumentException(op + ": element types differ: " + a + " and " + b
                    + "; convert one first with Tensor.to(type)");
        }
    }

    public static void type(String op, DType wanted, DType given) {
        if (wanted != given) {
            throw new IllegalArgumentException(op + ": needs " + wanted + ", was given " + given);
        }
    }

    public static void floating(String op, DType given) {
        if (!given.isFloat()) {
            throw new IllegalArgumentException(op + ": needs a floating-point type, was given " + given);
        }
    }

    /** Inner dimensions of a product must agree; suggests a transpose where that would help. */
    public static void inner(String op, int aInner, int bInner, int bOuter, Shape a, Shape b) {
        if (aInner != bInner) {
            throw new IllegalArgumentException(op + ": inner dimensions differ (" + aInner + " and " + bInner + "): a "
                    + a + ", b " + b + (aInner == bOuter ? ". Did you mean b transposed, " + transposed(b) + "?" : ""));
        }
    }

    private static Shape transposed(Shape b) {
        return b.with(-2, b.dim(-1)).with(-1, b.dim(-2));
    }

    /** Every id in [0, bound). */
    public static void ids(String op, int[] ids, int n, int bound) {
        for (int i = 0; i < n; i++) {
            if (ids[i] < 0 || ids[i] >= bound) {
                throw new IndexOutOfBoundsException(
                        op + ": id " + ids[i] + " at position " + i + " is outside [0, " + bound + ")");
            }
        }
    }
}
