// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.scalar;

/** Matrix products: one dot product an element, summed in double in the order of k. */
final class ScalarMatmul {
    private ScalarMatmul() {
    }

    static void matmul(HeapStorage y, HeapStorage a, HeapStorage b, int m, int k, int n, boolean transA, boolean transB,
            boolean accumulate) {
        for (int i = 0; i < m; i++) {
            for (int j = 0; j < n; j++) {
                double sum = 0;
                for (int l = 0; l < k; l++) {
                    sum += a.get(transA ? l * m + i : i * k + l) * b.get(transB ? j * k + l : l * n + j);
                }
                y.set(i * n + j, accumulate ? y.get(i * n + j) + sum : sum);
            }
        }
    }

    static void batchedMatmul(HeapStorage y, HeapStorage a, HeapStorage b, int batch, int yStride, int aStride,
            int bStride, int m, int k, int n, boolean transA, boolean transB) {
        for (int i = 0; i < batch; i++) {
            matmul(y.slice(i * yStride, m * n), a.slice(i * aStride, m * k), b.slice(i * bStride, k * n), m, k, n,
                    transA, transB, false);
        }
    }

    static void linear(HeapStorage y, HeapStorage x, HeapStorage w, HeapStorage bias, HeapStorage residual, int m,
            int k, int n) {
        for (int i = 0; i < m; i++) {
            for (int j = 0; j < n; j++) {
                double sum = 0;
                for (int l = 0; l < k; l++) {
                    sum += x.get(i * k + l) * w.get(l * n + j);
                }
                sum += bias == null ? 0 : bias.get(j);
                sum += residual == null ? 0 : residual.get(i * n + j);
                y.set(i * n + j, sum);
            }
        }
    }

    static void linearGelu(HeapStorage y, HeapStorage pre, HeapStorage x, HeapStorage w, HeapStorage bias, int m, int k,
            int n) {
        linear(pre, x, w, bias, null, m, k, n);
        ScalarElementwise.gelu(y, pre, m * n);
    }
}
