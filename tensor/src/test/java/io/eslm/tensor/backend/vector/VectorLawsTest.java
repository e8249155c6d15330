// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.vector;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.eslm.tensor.DType;
import io.eslm.tensor.Rng;
import io.eslm.tensor.backend.Activation;
import io.eslm.tensor.backend.HeapStorage;
import io.eslm.tensor.backend.HeapStorage.F32;
import io.eslm.tensor.backend.Kernels;
import io.eslm.tensor.backend.ArrayKernels.Binary;
import io.eslm.tensor.backend.ArrayKernels.Unary;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Laws of the vector kernels: results depend neither on where an element lies, nor on when the code was compiled. */
class VectorLawsTest {
    private static final int N = 3 * VectorMath.LANES + 5;
    private final Kernels kernels = new VectorBackend(1).kernels();

    private interface Elementwise {
        void run(F32 y, F32 a, F32 b, int n);
    }

    private static F32 random(int n, String purpose) {
        F32 x = (F32) HeapStorage.allocate(DType.F32, n);
        Rng rng = Rng.of(7).split(purpose);
        for (int i = 0; i < n; i++) {
            x.data[i] = (float) (2 * rng.nextGaussian());
        }
        return x;
    }

    private static F32 zeros(int n) {
        return (F32) HeapStorage.allocate(DType.F32, n);
    }

    private Map<String, Elementwise> elementwise() {
        Map<String, Elementwise> all = new LinkedHashMap<>();
        for (Unary f : Unary.values()) {
            all.put("unary " + f, (y, a, b, n) -> kernels.unary(f, y, a, n));
        }
        int[] one = {1};
        int[] none = {0};
        for (Binary f : Binary.values()) {
            all.put("binary " + f, (y, a, b, n) -> kernels.binary(f, y, a, b, new int[] {n}, one, one));
            all.put("number " + f, (y, a, b, n) -> kernels.binary(f, y, a, zeros(1), new int[] {n}, one, none));
            all.put("number first " + f, (y, a, b, n) -> kernels.binary(f, y, zeros(1), b, new int[] {n}, none, one));
        }
        all.put("gelu", (y, a, b, n) -> kernels.gelu(y, a, n));
        all.put("geluBackward", (y, a, b, n) -> kernels.geluBackward(y, a, b, n));
        for (Activation f : Activation.values()) {
            all.put(f + " activation", (y, a, b, n) -> kernels.activation(f, y, a, n));
            all.put(f + " activationBackward", (y, a, b, n) -> kernels.activationBackward(f, y, a, b, n));
        }
        all.put("axpby", (y, a, b, n) -> kernels.axpby(y, a, n, 0.3, 0.7));
        all.put("adamW",
                (y, a, b, n) -> kernels.adamW(new F32[] {y}, new F32[] {a}, new F32[] {zeros(n)}, new F32[] {zeros(n)},
                        new int[] {n}, new boolean[] {true}, 1e-3, 0.9, 0.95, 1e-8, 0.1, 0.1, 0.05, 0.7));
        return all;
    }

    @Test
    void anElementsResultDoesNotDependOnWhereItLies() {
        F32 a = random(N, "a");
        F32 b = random(N, "b");
        elementwise().forEach((name, f) -> {
            F32 whole = zeros(N);
            f.run(whole, a, b, N);
            for (int i = 0; i < N; i++) {
                F32 alone = zeros(1);
                f.run(alone, (F32) a.slice(i, 1), (F32) b.slice(i, 1), 1);
                assertEquals(whole.data[i], alone.data[0], name + " of element " + i);
            }
        });
    }

    /** Rows that end within a vector give the same as rows in the middle of a larger matrix. */
    @Test
    void aRowsResultDoesNotDependOnWhereItLies() {
        for (int cols : new int[] {1, 7, 16, 33, 100}) {
            int rows = 5;
            F32 x = random(rows * cols, "x");
            F32 whole = zeros(rows * cols);
            kernels.softmax(whole, x, rows, cols);
            F32 gamma = random(cols, "gamma");
            F32 normal = zeros(rows * cols);
            kernels.layerNorm(normal, zeros(rows), zeros(rows), x, gamma, gamma, rows, cols, 1e-5);
            for (int r = 0; r < rows; r++) {
                F32 row = (F32) x.slice(r * cols, cols);
                F32 alone = zeros(cols);
                kernels.softmax(alone, row, 1, cols);
                assertArrayEquals(Arrays.copyOfRange(whole.data, r * cols, (r + 1) * cols), alone.data);
                kernels.layerNorm(alone, zeros(1), zeros(1), row, gamma, gamma, 1, cols, 1e-5);
                assertArrayEquals(Arrays.copyOfRange(normal.data, r * cols, (r + 1) * cols), alone.data);
            }
        }
    }

    /** Interpreted at first, compiled by the end. */
    @Test
    void compilingChangesNoBit() {
        int rows = 3;
        int cols = 1000;
        F32 x = random(rows * cols, "x");
        F32 dy = random(rows * cols, "dy");
        F32 gamma = random(cols, "gamma");
        float[] first = null;
        for (int i = 0; i < 3000; i++) {
            F32 y = zeros(5 * rows * cols + 3 * rows + 2 * cols + 1);
            F32 mean = (F32) y.slice(5 * rows * cols, rows);
            F32 rstd = (F32) y.slice(5 * rows * cols + rows, rows);
            F32 dgamma = (F32) y.slice(5 * rows * cols + 3 * rows, cols);
            F32 dbeta = (F32) y.slice(5 * rows * cols + 3 * rows + cols, cols);
            kernels.layerNorm(y, mean, rstd, x, gamma, gamma, rows, cols, 1e-5);
            kernels.layerNormBackward(y.slice(rows * cols, rows * cols), dgamma, dbeta, dy, x, mean, rstd, gamma, rows,
                    cols,
                    false, false);
            kernels.softmax(y.slice(2 * rows * cols, rows * cols), x, rows, cols);
            kernels.softmaxBackward(y.slice(3 * rows * cols, rows * cols), x, dy, rows, cols);
            kernels.reduce(Kernels.Reduction.SUM, y.slice(5 * rows * cols + 2 * rows, rows), x, rows, cols, 1);
            kernels.addSumOfSquares(y.slice(y.size() - 1, 1), new F32[] {x}, new int[] {rows * cols});
            first = first == null ? y.data : first;
            assertArrayEquals(first, y.data, "call " + i);
        }
    }
}
