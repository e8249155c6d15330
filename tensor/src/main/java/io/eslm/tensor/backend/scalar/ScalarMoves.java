// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.scalar;

/** Kernels that move elements: permutations, windows, rows by index, embeddings. */
final class ScalarMoves {
    private ScalarMoves() {
    }

    static void permute(HeapStorage y, HeapStorage x, int[] dims, int[] permutation) {
        int rank = dims.length;
        int[] xStride = new int[rank];
        int n = 1;
        for (int axis = rank - 1; axis >= 0; axis--) {
            xStride[axis] = n;
            n *= dims[axis];
        }
        for (int i = 0; i < n; i++) {
            int from = 0;
            int rest = i;
            for (int axis = rank - 1; axis >= 0; axis--) {
                int source = permutation[axis];
                from += rest % dims[source] * xStride[source];
                rest /= dims[source];
            }
            y.set(i, x.get(from));
        }
    }

    static void copy2d(HeapStorage y, int yFrom, int yStride, HeapStorage x, int xFrom, int xStride, int rows,
            int cols) {
        for (int r = 0; r < rows; r++) {
            for (int c = 0; c < cols; c++) {
                y.set(yFrom + r * yStride + c, x.get(xFrom + r * xStride + c));
            }
        }
    }

    static void gatherRows(HeapStorage y, HeapStorage x, HeapStorage rows, int count, int cols) {
        for (int i = 0; i < count; i++) {
            int row = (int) rows.get(i);
            for (int c = 0; c < cols; c++) {
                y.set(i * cols + c, x.get(row * cols + c));
            }
        }
    }

    static void scatterAddRows(HeapStorage y, HeapStorage x, HeapStorage rows, int count, int cols) {
        for (int i = 0; i < count; i++) {
            int row = (int) rows.get(i);
            for (int c = 0; c < cols; c++) {
                add(y, row * cols + c, x.get(i * cols + c));
            }
        }
    }

    static void embedding(HeapStorage y, HeapStorage ids, HeapStorage wte, HeapStorage wpe, int batch, int time,
            int width, int from) {
        for (int b = 0; b < batch; b++) {
            for (int t = 0; t < time; t++) {
                int row = b * time + t;
                int id = (int) ids.get(row);
                for (int c = 0; c < width; c++) {
                    y.set(row * width + c, wte.get(id * width + c) + wpe.get((from + t) * width + c));
                }
            }
        }
    }

    static void embeddingBackward(HeapStorage dwte, HeapStorage dwpe, HeapStorage dy, HeapStorage ids, int batch,
            int time, int width) {
        for (int b = 0; b < batch; b++) {
            for (int t = 0; t < time; t++) {
                int row = b * time + t;
                int id = (int) ids.get(row);
                for (int c = 0; c < width; c++) {
                    double d = dy.get(row * width + c);
                    if (dwte != null) {
                        add(dwte, id * width + c, d);
                    }
                    if (dwpe != null) {
                        add(dwpe, t * width + c, d);
                    }
                }
            }
        }
    }

    private static void add(HeapStorage y, int i, double value) {
        y.set(i, y.get(i) + value);
    }
}
