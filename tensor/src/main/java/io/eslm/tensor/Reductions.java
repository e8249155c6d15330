// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor;

import io.eslm.tensor.backend.Kernels.Reduction;
import java.util.Arrays;

/** Reductions of tensors over one axis. */
final class Reductions {
    private Reductions() {
    }

    static Tensor reduce(String op, Reduction f, Tensor x, int axis, boolean keepDims) {
        Checks.floating(op, x.dtype());
        int a = Checks.axis(op, axis, x.shape());
        if (f != Reduction.SUM) {
            Checks.notEmpty(op, a, x.shape());
        }
        Shape kept = x.shape().with(a, 1);
        Tensor y = Tensor.zeros(x.backend(), x.dtype(), kept.dims());
        x.kernels().reduce(f, y.storage(), x.storage(), Moves.outer(x.shape(), a), x.dim(a), Moves.inner(x.shape(), a));
        return keepDims ? y : y.reshape(without(kept, a));
    }

    static Tensor argmax(Tensor x, int axis) {
        Checks.floating("argmax", x.dtype());
        int a = Checks.axis("argmax", axis, x.shape());
        Checks.notEmpty("argmax", a, x.shape());
        Tensor last = a == x.rank() - 1 ? x : moveToEnd(x, a);
        Tensor y = Tensor.zeros(x.backend(), DType.I32, without(x.shape(), a));
        x.kernels().argmax(y.storage(), last.storage(), last.shape().rows(), last.shape().cols());
        return y;
    }

    static Tensor sumTo(Tensor x, Shape target) {
        Checks.check(Broadcast.shape("sumTo", x.shape(), target).equals(x.shape()), "sumTo",
                "%s does not broadcast to %s",
                target, x.shape());
        Tensor y = x;
        while (y.rank() > target.rank()) {
            y = y.sum(0, false);
        }
        for (int axis = 0; axis < target.rank(); axis++) {
            if (target.dim(axis) != y.dim(axis)) {
                y = y.sum(axis, true);
            }
        }
        return y == x ? x.to(x.backend()) : y;
    }

    private static Tensor moveToEnd(Tensor x, int axis) {
        int[] order = new int[x.rank()];
        Arrays.setAll(order, i -> i < axis ? i : i + 1);
        order[order.length - 1] = axis;
        return x.permute(order);
    }

    private static int[] without(Shape shape, int axis) {
        int[] dims = new int[shape.rank() - 1];
        for (int i = 0; i < dims.length; i++) {
            dims[i] = shape.dim(i < axis ? i : i + 1);
        }
        return dims;
    }
}
