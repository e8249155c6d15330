// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.vector;

import io.eslm.tensor.backend.scalar.HeapStorage;
import io.eslm.tensor.backend.scalar.HeapStorage.F32;
import io.eslm.tensor.backend.scalar.HeapStorage.I32;
import io.eslm.tensor.backend.scalar.ScalarKernels;

/**
 * Rows by index: {@link ScalarKernels#gatherRows}, {@link ScalarKernels#scatterAddRows}, {@link ScalarKernels#embedding},
 * {@link ScalarKernels#embeddingBackward} and {@link ScalarKernels#copy2d}. What only reads by index shares out the rows of
 * the output; what adds by index shares out columns, each task taking all rows in order, so that two tasks never add to the
 * same element and the order of additions is the definition's.
 */
final class VectorMoves {
    /** Columns of one task when adding by index: a few cache lines, and enough tasks for GPT-2's widths. */
    private static final int COLUMNS = 64;

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

    void gatherRows(HeapStorage y, HeapStorage x, I32 rows, int count, int cols) {
        parallel.ranges(count, Loops.rowGrain(cols), (from, to) -> {
            for (int i = from; i < to; i++) {
                VectorElementwise.copy(y, i * cols, x, rows.data[rows.offset + i] * cols, cols);
            }
        });
    }

    void scatterAddRows(F32 y, F32 x, I32 rows, int count, int cols) {
        parallel.ranges(cols, columnGrain(count), (from, to) -> {
            for (int i = 0; i < count; i++) {
                VectorRows.addRow(y.data, y.offset + rows.data[rows.offset + i] * cols + from, x.data,
                        x.offset + i * cols + from, to - from);
            }
        });
    }

    private static int columnGrain(int rows) {
        return Math.max(COLUMNS, Loops.padded(Loops.rowGrain(rows)));
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
        parallel.ranges(width, columnGrain(batch * time), (from, to) -> {
            for (int i = 0; i < batch * time; i++) {
                int at = dy.offset + i * width + from;
                if (dwte != null) {
                    VectorRows.addRow(dwte.data, dwte.offset + ids.data[ids.offset + i] * width + from, dy.data, at,
                            to - from);
                }
                if (dwpe != null) {
                    VectorRows.addRow(dwpe.data, dwpe.offset + i % time * width + from, dy.data, at, to - from);
                }
            }
        });
    }
}
