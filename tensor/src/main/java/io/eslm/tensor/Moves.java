// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor;

import java.util.Arrays;

/** Shapes and copies behind the operations of {@link Tensor} that rearrange elements. */
final class Moves {
    private Moves() {
    }

    /** {@code dims}, with a −1 replaced by what makes the size that of {@code shape}. */
    static Shape reshaped(Shape shape, int[] dims) {
        int[] d = dims.clone();
        int free = -1;
        long known = 1;
        for (int i = 0; i < d.length; i++) {
            if (d[i] == -1) {
                Checks.check(free < 0, "reshape", "%s has more than one -1", Shape.text(dims));
                free = i;
            } else {
                known *= d[i];
            }
        }
        if (free >= 0) {
            Checks.check(known > 0 && shape.size() % known == 0, "reshape",
                    "%s has %d elements, which %s cannot divide evenly", shape, shape.size(), Shape.text(dims));
            d[free] = (int) (shape.size() / known);
        }
        Shape s = Shape.of(d);
        Checks.check(s.size() == shape.size(), "reshape", "%s has %d elements, %s has %d", shape, shape.size(), s,
                s.size());
        return s;
    }

    static Tensor permute(Tensor x, int[] axes) {
        int[] permutation = Arrays.stream(axes).map(a -> a < 0 ? a + x.rank() : a).toArray();
        Checks.permutation("permute", permutation, x.shape());
        int[] dims = Arrays.stream(permutation).map(x::dim).toArray();
        Tensor y = Tensor.zeros(x.backend(), x.dtype(), dims);
        x.kernels().permute(y.storage(), x.storage(), x.shape().dims(), permutation);
        return y;
    }

    static Tensor slice(Tensor x, int axis, int from, int to) {
        int a = Checks.axis("slice", axis, x.shape());
        Checks.range("slice", from, to, a, x.shape());
        Tensor y = Tensor.zeros(x.backend(), x.dtype(), x.shape().with(a, to - from).dims());
        int inner = inner(x.shape(), a);
        int row = x.dim(a) * inner;
        int cols = (to - from) * inner;
        x.kernels().copy2d(y.storage(), 0, cols, x.storage(), from * inner, row, outer(x.shape(), a), cols);
        return y;
    }

    static Tensor concat(int axis, Tensor... parts) {
        Checks.check(parts.length > 0, "concat", "needs at least one tensor");
        Tensor first = parts[0];
        int a = Checks.axis("concat", axis, first.shape());
        int total = 0;
        for (Tensor part : parts) {
            Checks.sameBackend("concat", first.backend(), part.backend());
            Checks.sameType("concat", first.dtype(), part.dtype());
            boolean fits = part.rank() == first.rank() && part.shape().with(a, first.dim(a)).equals(first.shape());
            Checks.check(fits, "concat", "shapes %s and %s differ outside axis %d", first.shape(), part.shape(), a);
            total += part.dim(a);
        }
        Tensor y = Tensor.zeros(first.backend(), first.dtype(), first.shape().with(a, total).dims());
        int inner = inner(y.shape(), a);
        int at = 0;
        for (Tensor part : parts) {
            int cols = part.dim(a) * inner;
            y.kernels().copy2d(y.storage(), at, total * inner, part.storage(), 0, cols, outer(y.shape(), a), cols);
            at += cols;
        }
        return y;
    }

    static Tensor gatherRows(Tensor x, Tensor ids) {
        Checks.sameBackend("gatherRows", x.backend(), ids.backend());
        Checks.type("gatherRows", DType.I32, ids.dtype());
        Checks.rankAtLeast("gatherRows", 1, x.shape());
        Checks.ids("gatherRows", ids.toInts(), ids.size(), x.dim(0));
        int[] dims = Arrays.copyOf(ids.shape().dims(), ids.rank() + x.rank() - 1);
        System.arraycopy(x.shape().dims(), 1, dims, ids.rank(), x.rank() - 1);
        Tensor y = Tensor.zeros(x.backend(), x.dtype(), dims);
        x.kernels().gatherRows(y.storage(), x.storage(), ids.storage(), ids.size(), inner(x.shape(), 0));
        return y;
    }

    /** Product of the dimensions before {@code axis}. */
    static int outer(Shape shape, int axis) {
        return product(shape, 0, axis);
    }

    /** Product of the dimensions after {@code axis}. */
    static int inner(Shape shape, int axis) {
        return product(shape, axis + 1, shape.rank());
    }

    private static int product(Shape shape, int from, int to) {
        int n = 1;
        for (int axis = from; axis < to; axis++) {
            n *= shape.dim(axis);
        }
        return n;
    }
}
