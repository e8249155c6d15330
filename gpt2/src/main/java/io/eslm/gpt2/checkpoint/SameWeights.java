// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.checkpoint;

import io.eslm.tensor.io.TensorFile;
import java.util.Arrays;

/** Compares a tensor that a model leaves out with what it computes with in its place. */
final class SameWeights {
    /** Zeros, which stand for a bias that is not there. */
    static final Values ZEROS = (from, out, n) -> Arrays.fill(out, 0, n, 0);

    private SameWeights() {
    }

    /** Elements [from, from + n) of a tensor, into {@code out}. */
    @FunctionalInterface
    interface Values {
        void read(int from, float[] out, int n);
    }

    /** True if {@code size} elements are equal as numbers: −0 is 0, and NaN is nothing. */
    static boolean are(Values x, Values y, int size) {
        float[] a = new float[Math.min(TensorFile.CHUNK, size)];
        float[] b = new float[a.length];
        for (int at = 0; at < size; at += a.length) {
            int n = Math.min(a.length, size - at);
            x.read(at, a, n);
            y.read(at, b, n);
            for (int i = 0; i < n; i++) {
                if (a[i] != b[i]) {
                    return false;
                }
            }
        }
        return true;
    }
}
