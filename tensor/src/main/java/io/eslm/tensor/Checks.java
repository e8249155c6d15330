// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor;

import io.eslm.tensor.backend.Backend;

/** The checks of the library. A message names the operation, the broken rule, numbers, shapes, and a next step if there is one. */
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
            throw new IllegalArgumentException(
                    op + ": axis " + axis + " is outside the " + shape.rank() + " axes of " + shape);
        }
        return a;
    }

    public static void sameBackend(String op, Backend a, Backend b) {
        if (a != b) {
            check(false, op,
                    "tensors live on different backends (%s and %s); copy one over first with Tensor.to(backend)",
                    a.name(), b.name());
        }
    }

    public static void sameType(String op, DType a, DType b) {
        if (a != b) {
            check(false, op, "element types differ: %s and %s; convert one first with Tensor.to(type)", a, b);
        }
    }

    public static void type(String op, DType wanted, DType given) {
        if (wanted != given) {
            check(false, op, "needs %s, was given %s", wanted, given);
        }
    }

    /** Inner dimensions of a product must agree; suggests a transpose where that would help. */
    public static void inner(String op, int aInner, int bInner, int bOuter, Shape a, Shape b) {
        if (aInner != bInner) {
            String hint = aInner != bOuter ? ""
                    : ". Did you mean b transposed, " + b.with(-2, b.dim(-1)).with(-1, b.dim(-2)) + "?";
            check(false, op, "inner dimensions differ (%d and %d): a %s, b %s%s", aInner, bInner, a, b, hint);
        }
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
