// SPDX-License-Identifier: Apache-2.0
package io.eslm.explain;

import io.eslm.autograd.OpContext;
import io.eslm.autograd.Rows;
import io.eslm.autograd.op.Gather;
import io.eslm.autograd.op.HeadDistillation;
import io.eslm.autograd.op.KeepRows;
import io.eslm.autograd.op.TokenEmbedding;
import io.eslm.autograd.op.WeightedSum;
import io.eslm.tensor.Tensor;

/**
 * Bytes of an op's operands, each counted once: what a pass must at least move if none of it is in a cache. It is a size, not a
 * measurement: a kernel may read an operand twice, or find it in a cache.
 * <ul>
 * <li>Forward: inputs, output, and what is saved for the backward pass. Of a table of embeddings, the rows that are looked up.
 * <li>Backward: the gradient that arrives, inputs and what was saved, and the gradients that are made. Of a tensor with one row
 * for each row of the gradient, only the rows that have one.
 * </ul>
 */
final class OpBytes {
    private OpBytes() {
    }

    static long of(Tensor t) {
        return (long) t.size() * t.dtype().bytes();
    }

    static long forward(OpContext op) {
        long bytes = of(op.output());
        for (int i = 0; i < op.inputCount(); i++) {
            bytes += input(op, i);
        }
        for (int s = 0; s < op.savedCount(); s++) {
            bytes += op.saved(s).owner() == op.output().owner() ? 0 : of(op.saved(s));
        }
        return bytes;
    }

    /** Input {@code i}, or the rows of it that are looked up; also the size of a table's gradient. */
    private static long input(OpContext op, int i) {
        Tensor t = op.input(i);
        long row = t.rank() == 0 ? 0 : of(t) / Math.max(1, t.dim(0));
        return switch (op.op()) {
            case TokenEmbedding e -> row * (i == 0 ? e.ids().size() : e.ids().dim(1));
            case Gather g -> row * g.indices().size();
            default -> of(t);
        };
    }

    /** What the backward pass reads besides the gradient that arrives, and the gradients of the parameters. */
    static long backward(OpContext op, Parts parts, long kept, long total) {
        boolean lookup = op.op() instanceof TokenEmbedding || op.op() instanceof Gather;
        long bytes = 0;
        for (int i = 0; i < op.inputCount(); i++) {
            Tensor x = op.input(i);
            boolean parameter = parts.path(x) != null;
            bytes += lookup ? 0 : parameter ? of(x) : rowsOf(x, kept, total);
            bytes += op.needs(i) && parameter ? input(op, i) : 0;
        }
        for (int s = 0; s < op.savedCount(); s++) {
            bytes += op.saved(s).dtype().isFloat() ? rowsOf(op.saved(s), kept, total) : of(op.saved(s));
        }
        return bytes;
    }

    private static long rowsOf(Tensor t, long kept, long total) {
        boolean rowwise = t.rank() > 0 && (t.dim(0) == total || t.shape().rows() == total);
        return rowwise ? of(t) / total * kept : of(t);
    }

    /** Rows that the backward pass of {@code op} has; {@code arrived} elements came as its gradient. */
    static long total(OpContext op) {
        return op.op() instanceof TokenEmbedding ? op.output().shape().rows() : rows(op.input(0));
    }

    /** Rows of which it computed the gradient. */
    static long kept(OpContext op, int arrived) {
        Rows rows = switch (op.op()) {
            case WeightedSum w -> w.rows();
            case KeepRows k -> k.rows();
            default -> op.rows();
        };
        return op.op() instanceof HeadDistillation ? arrived : rows == null ? total(op) : rows.count();
    }

    /** A vector has a row for each element. */
    static long rows(Tensor t) {
        return t.rank() == 1 ? t.size() : t.shape().rows();
    }
}
