// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.vector;

import io.eslm.tensor.backend.HeapStorage;
import io.eslm.tensor.backend.HeapStorage.F32;
import io.eslm.tensor.backend.HeapStorage.I32;
import io.eslm.tensor.backend.Kernels;

/**
 * Kernels that move elements or add rows by index: {@link Kernels#permute}, {@link Kernels#copy2d}, {@link
 * Kernels#gatherRows}, {@link Kernels#scatterAddRows}, {@link Kernels#embedding} and {@link Kernels#embeddingBackward}.
 * A kernel that only reads divides the rows of the output among its tasks. A kernel that adds by index divides the rows
 * that it adds to, by remainder: each task goes through all indices in order and takes its own. So no two tasks add to
 * the same element, and the order of additions is the definition's.
 */
final class VectorMoves {
    private static final int OWNERS = 16;

    private final Parallel parallel;

    VectorMoves(Parallel parallel) {
        this.parallel = parallel;
    }

    void copy2d(HeapStorage y, int yFrom, int yStride, HeapStorage x, int xFrom, int xStride, int rows, int cols) {
        parallel.ranges(rows, Loops.rowGrain(cols), (from, to) -> {
            for (int r = from; r < to; r++) {
                VectorElementwise.copy(y, yFrom + r * yStride, x, xFrom + r * xStride, cols);
            }
        });
    }

    /**
     * Run by run along the last axis of y: copied where that is also x's last axis, else picked out at a fixed stride.
     */
    void permute(F32 y, F32 x, int[] dims, int[] permutation) {
        int rank = dims.length;
        int[] stride = new int[rank];
        int n = 1;
        for (int axis = rank - 1; axis >= 0; axis--) {
            stride[axis] = n;
            n *= dims[axis];
        }
        int run = rank == 0 ? 1 : dims[permutation[rank - 1]];
        int step = rank == 0 ? 1 : stride[permutation[rank - 1]];
        parallel.ranges(n == 0 ? 0 : n / run, Loops.rowGrain(run), (from, to) -> {
            for (int r = from; r < to; r++) {
                int at = x.offset;
                int rest = r;
                for (int axis = rank - 2; axis >= 0; axis--) {
                    int source = permutation[axis];
                    at += rest % dims[source] * stride[source];
                    rest /= dims[source];
                }
                pick(y.data, y.offset + r * run, x.data, at, step, run);
            }
        });
    }

    private static void pick(float[] y, int yAt, float[] x, int xAt, int step, int n) {
        if (step == 1) {
            System.arraycopy(x, xAt, y, yAt, n);
        } else {
            for (int i = 0; i < n; i++) {
                y[yAt + i] = x[xAt + i * step];
            }
        }
    }

    void gatherRows(HeapStorage y, HeapStorage x, I32 rows, int count, int cols) {
        parallel.ranges(count, Loops.rowGrain(cols), (from, to) -> {
            for (int i = from; i < to; i++) {
                VectorElementwise.copy(y, i * cols, x, rows.data[rows.offset + i] * cols, cols);
            }
        });
    }

    void scatterAddRows(F32 y, F32 x, I32 rows, int count, int cols) {
        parallel.run(tasks(count, cols), task -> {
            for (int i = 0; i < count; i++) {
                int row = rows.data[rows.offset + i];
                if (owner(row, count, cols) == task) {
                    VectorRows.addRow(y.data, y.offset + row * cols, x.data, x.offset + i * cols, cols);
                }
            }
        });
    }

    /** Tasks among which the rows are divided; one where there is little to add. */
    private static int tasks(int count, int cols) {
        return (long) count * cols <= Loops.GRAIN ? 1 : OWNERS;
    }

    private static int owner(int row, int count, int cols) {
        return row % tasks(count, cols);
    }

    void embedding(F32 y, I32 ids, F32 wte, F32 wpe, int batch, int time, int width, int from) {
        parallel.ranges(batch * time, Loops.rowGrain(width), (first, end) -> {
            float[] tails = Loops.tails(width);
            for (int i = first; i < end; i++) {
                Loops.map2(VectorBinary::add, y.data, y.offset + i * width, wte.data,
                        wte.offset + ids.data[ids.offset + i] * width, wpe.data, wpe.offset + (from + i % time) * width,
                        width, tails);
            }
        });
    }

    void embeddingBackward(F32 dwte, F32 dwpe, F32 dy, I32 ids, int batch, int time, int width) {
        int tokens = batch * time;
        parallel.run(tasks(tokens, width), task -> {
            for (int i = 0; i < tokens; i++) {
                int id = ids.data[ids.offset + i];
                int at = dy.offset + i * width;
                if (dwte != null && owner(id, tokens, width) == task) {
                    VectorRows.addRow(dwte.data, dwte.offset + id * width, dy.data, at, width);
                }
                if (dwpe != null && owner(i % time, tokens, width) == task) {
                    VectorRows.addRow(dwpe.data, dwpe.offset + i % time * width, dy.data, at, width);
                }
            }
        });
    }
}
