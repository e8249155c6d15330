// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor;

import java.util.function.Consumer;

/** Walks all multi-indices of a shape in row-major order, the slow and obvious way. */
final class Index {
    private Index() {
    }

    static void each(Shape shape, Consumer<int[]> visit) {
        walk(shape, new int[shape.rank()], 0, visit);
    }

    private static void walk(Shape shape, int[] index, int axis, Consumer<int[]> visit) {
        if (axis == index.length) {
            visit.accept(index.clone());
            return;
        }
        for (int i = 0; i < shape.dim(axis); i++) {
            index[axis] = i;
            walk(shape, index, axis + 1, visit);
        }
    }

    /** {@code index} without its first axes, so that {@code rank} are left, and with 0 where {@code shape} has 1. */
    static int[] broadcast(int[] index, Shape shape) {
        int[] out = new int[shape.rank()];
        for (int axis = 0; axis < out.length; axis++) {
            out[axis] = shape.dim(axis) == 1 ? 0 : index[index.length - out.length + axis];
        }
        return out;
    }
}
