// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.op.basic;

import io.eslm.autograd.Op;
import io.eslm.autograd.OpContext;
import io.eslm.autograd.check.Sample;
import io.eslm.autograd.check.SampleSource;
import io.eslm.tensor.Checks;
import io.eslm.tensor.Tensor;
import java.util.Comparator;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * y[…, i] = the i-th largest x[…, c] of each row; of equal ones the first comes first. x (…, C) → (…, k). dx[…, c] = dy[…, i]
 * at the chosen places, else 0. The rows are sorted on the host.
 *
 * @param k in [1, C]
 * @param indices (…, k) I32: receives the column c of each y, which has no gradient
 */
public record TopK(int k, Tensor indices) implements Op {
    @Override
    public Tensor forward(OpContext context, Tensor... x) {
        int cols = x[0].shape().cols();
        int rows = x[0].shape().rows();
        Checks.check(k >= 1 && k <= cols, "topk", "k %d is outside [1, %d] for rows of %s", k, cols, x[0].shape());
        Checks.check(indices.size() == rows * k, "topk", "indices %s do not have room for %d of each of %d rows",
                indices.shape(), k, rows);
        int[] columns = largest(x[0].toDoubles(), rows, cols);
        x[0].backend().write(indices.storage(), columns, 0, columns.length);
        Tensor flat = context.put(IntStream.range(0, rows * k).map(i -> i / k * cols + columns[i]).toArray());
        Tensor y = context.acquire(x[0].shape().with(-1, k).dims());
        context.kernels().gatherRows(y.storage(), x[0].storage(), flat.storage(), y.size(), 1);
        context.save(flat);
        return y;
    }

    private int[] largest(double[] x, int rows, int cols) {
        return IntStream.range(0, rows)
                .flatMap(r -> IntStream.range(0, cols).boxed()
                        .sorted(Comparator.comparingDouble((Integer c) -> x[r * cols + c]).reversed()).limit(k)
                        .mapToInt(c -> c))
                .toArray();
    }

    @Override
    public void backward(OpContext context, Tensor dy) {
        Tensor dx = context.acquireLike(context.input(0));
        context.kernels().fill(dx.storage(), dx.size(), 0);
        context.kernels().scatterAddRows(dx.storage(), dy.storage(), context.saved(0).storage(), dy.size(), 1);
        context.accumulate(0, dx);
    }

    public static Stream<Sample> samples(SampleSource source) {
        return Stream.of(Sample.of(new TopK(2, source.ids(1, 3, 2)), source.normal(3, 5)),
                Sample.of(new TopK(4, source.ids(1, 4)), source.normal(4)),
                Sample.of(new TopK(1, source.ids(1, 4)), source.normal(2, 2, 3))
                        .equalTo((tape, x) -> tape.apply(new Max(-1, true), x[0])));
    }
}
