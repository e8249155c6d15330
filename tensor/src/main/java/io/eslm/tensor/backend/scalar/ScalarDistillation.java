// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.scalar;

/** Knowledge distillation: a student's distribution against a teacher's, both softened. */
final class ScalarDistillation {
    private ScalarDistillation() {
    }

    static void distillation(HeapStorage kl, HeapStorage lse, HeapStorage teacherLse, HeapStorage logits,
            HeapStorage teacher, HeapStorage rows, int count, int cols, double temperature) {
        for (int i = 0; i < count; i++) {
            int row = (rows == null ? i : (int) rows.get(i)) * cols;
            double max = ScalarRows.max(logits, row, cols);
            double teacherMax = ScalarRows.max(teacher, i * cols, cols);
            double sum = 0;
            double teacherSum = 0;
            double weighted = 0;
            for (int v = 0; v < cols; v++) {
                double s = logits.get(row + v);
                double t = teacher.get(i * cols + v);
                double e = Math.exp((t - teacherMax) / temperature);
                sum += Math.exp((s - max) / temperature);
                teacherSum += e;
                weighted += e == 0 ? 0 : e * (t - s); // what the teacher rules out costs nothing
            }
            double logSum = max / temperature + Math.log(sum);
            double teacherLogSum = teacherMax / temperature + Math.log(teacherSum);
            kl.set(i, weighted / teacherSum / temperature - (teacherLogSum - logSum));
            lse.set(i, logSum);
            teacherLse.set(i, teacherLogSum);
        }
    }

    static void distillationBackward(HeapStorage dlogits, HeapStorage logits, HeapStorage teacher, HeapStorage hardLse,
            HeapStorage lse, HeapStorage teacherLse, HeapStorage targets, HeapStorage rows, HeapStorage weights,
            int count, int cols, double temperature, double mix) {
        for (int i = 0; i < count; i++) {
            int r = rows == null ? i : (int) rows.get(i);
            for (int v = 0; v < cols; v++) {
                double s = logits.get(r * cols + v);
                double hit = v == (int) targets.get(r) ? 1 : 0;
                double hard = Math.exp(s - hardLse.get(r)) - hit;
                double soft = Math.exp(s / temperature - lse.get(i))
                        - Math.exp(teacher.get(i * cols + v) / temperature - teacherLse.get(i));
                dlogits.set(i * cols + v, weights.get(i) * ((1 - mix) * hard + mix * temperature * soft));
            }
        }
    }
}
