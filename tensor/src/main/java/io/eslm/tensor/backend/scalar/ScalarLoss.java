// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.scalar;

/** Cross-entropy over the vocabulary. */
final class ScalarLoss {
    private ScalarLoss() {
    }

    static void crossEntropy(HeapStorage loss, HeapStorage entropy, HeapStorage lse, HeapStorage logits,
            HeapStorage targets, int rows, int cols) {
        for (int r = 0; r < rows; r++) {
            int row = r * cols;
            double max = ScalarRows.max(logits, row, cols);
            double sum = 0;
            double weighted = 0;
            for (int v = 0; v < cols; v++) {
                double shifted = logits.get(row + v) - max;
                double e = Math.exp(shifted);
                sum += e;
                weighted += e == 0 ? 0 : e * shifted; // 0·(−∞) is 0 here: the limit of p·log p
            }
            double logSum = Math.log(sum);
            loss.set(r, logSum - (logits.get(row + (int) targets.get(r)) - max));
            entropy.set(r, logSum - weighted / sum);
            lse.set(r, max + logSum);
        }
    }

    static void crossEntropyBackward(HeapStorage dlogits, HeapStorage logits, HeapStorage lse, HeapStorage targets,
            HeapStorage rows, HeapStorage weights, int count, int cols) {
        for (int i = 0; i < count; i++) {
            int r = rows == null ? i : (int) rows.get(i);
            for (int v = 0; v < cols; v++) {
                double p = Math.exp(logits.get(r * cols + v) - lse.get(r));
                double hit = v == (int) targets.get(r) ? 1 : 0;
                dlogits.set(i * cols + v, weights.get(i) * (p - hit));
            }
        }
    }
}
