// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.tornado;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.tensor.DType;
import io.eslm.tensor.Rng;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * The calls of cuBLAS, without it: they are carried out by BLAS's own definition in plain Java, and compared with the
 * row-major definition of the product. Whole numbers, so that equal means equal.
 */
class ColumnMajorTest {
    private static final int FLOATS = 1 << 13;
    private static final float UNWRITTEN = 4321;
    private final Rng rng = Rng.of(11);

    /** Where the matrices of a product are, and which elements of y must stay as they were. */
    private record Layout(int m, int k, int n, boolean transA, boolean transB, int[] strides, int[] offsets, int batch,
            int[] windows) {
        int at(int which, int z, int row, int col) {
            int inner = windows[0];
            return offsets[which] + z / inner * windows[1 + which] + z % inner * windows[4 + which]
                    + row * strides[which]
                    + col;
        }

        int a(int z, int i, int l) {
            return transA ? at(1, z, l, i) : at(1, z, i, l);
        }

        int b(int z, int l, int j) {
            return transB ? at(2, z, j, l) : at(2, z, l, j);
        }
    }

    /** C = alpha·op(A)·op(B) + beta·C as BLAS defines it; C is not read where beta is 0. */
    private static void blas(ColumnMajor p, float[] f) {
        assertTrue(p.aLd() >= Math.max(1, p.transA() ? p.k() : p.m()), p::toString);
        assertTrue(p.bLd() >= Math.max(1, p.transB() ? p.n() : p.k()), p::toString);
        assertTrue(p.cLd() >= Math.max(1, p.m()), p::toString);
        for (int z = 0; z < p.batch(); z++) {
            int a = (int) (p.a() + z * p.aStride());
            int b = (int) (p.b() + z * p.bStride());
            int c = (int) (p.c() + z * p.cStride());
            for (int j = 0; j < p.n(); j++) {
                for (int i = 0; i < p.m(); i++) {
                    float sum = 0;
                    for (int l = 0; l < p.k(); l++) {
                        sum += f[p.transA() ? a + i * p.aLd() + l : a + l * p.aLd() + i]
                                * f[p.transB() ? b + l * p.bLd() + j : b + j * p.bLd() + l];
                    }
                    int at = c + j * p.cLd() + i;
                    f[at] = p.alpha() * sum + (p.beta() == 0 ? 0 : p.beta() * f[at]);
                }
            }
        }
    }

    private void check(Layout l, boolean accumulate, int part, int past, double alpha) {
        float[] got = new float[FLOATS];
        for (int i = 0; i < FLOATS; i++) {
            got[i] = rng.nextInt(9) - 4;
        }
        for (int z = 0; z < l.batch; z++) {
            for (int i = 0; i < l.m; i++) {
                for (int j = 0; j < l.n; j++) {
                    got[l.at(0, z, i, j)] = accumulate ? 3 : UNWRITTEN;
                }
                for (int d = 0; d < l.k; d++) {
                    boolean zero = part == Gemm.LOWER_A && d > i + past || part == Gemm.UPPER_A && d < i;
                    got[l.a(z, i, d)] = zero ? 0 : got[l.a(z, i, d)];
                }
            }
        }
        float[] want = got.clone();
        for (int z = 0; z < l.batch; z++) {
            for (int i = 0; i < l.m; i++) {
                for (int j = 0; j < l.n; j++) {
                    float sum = 0;
                    for (int d = 0; d < l.k; d++) {
                        sum += want[l.a(z, i, d)] * want[l.b(z, d, j)];
                    }
                    want[l.at(0, z, i, j)] = (float) alpha * sum + (accumulate ? 3 : 0);
                }
            }
        }
        DeviceStorage all = new DeviceStorage(this, DType.F32, 0, 5, FLOATS - 5);
        int[] w = l.windows;
        List<ColumnMajor> calls = new Product(all, all, all, l.m, l.k, l.n).transposed(l.transA, l.transB)
                .accumulate(accumulate).strides(l.strides[0], l.strides[1], l.strides[2])
                .offsets(l.offsets[0] - 5, l.offsets[1] - 5, l.offsets[2] - 5).scaled(alpha).causal(part, past)
                .batch(l.batch, w[0], w[1], w[2], w[3], w[4], w[5], w[6]).columnMajor();
        assertTrue(calls.size() <= Math.sqrt(Math.max(1, l.batch)), () -> calls.size() + " calls");
        calls.forEach(c -> blas(c, got));
        for (int i = 0; i < FLOATS; i++) {
            assertEquals(want[i], got[i], "element " + i + " of " + l);
        }
    }

    /** One product, rows with gaps between them, in every transposition. */
    private Layout single(int m, int k, int n, boolean ta, boolean tb, int gap) {
        int[] strides = {n + gap, (ta ? m : k) + 2 * gap, (tb ? k : n) + gap};
        return new Layout(m, k, n, ta, tb, strides, new int[] {7, 3001, 6003}, 1, new int[] {1, 0, 0, 0, 0, 0, 0});
    }

    @Test
    void singleProducts() {
        for (int[] s : new int[][] {{1, 1, 1}, {1, 5, 3}, {7, 1, 4}, {5, 9, 1}, {17, 13, 11}, {2, 40, 33}}) {
            for (int bits = 0; bits < 8; bits++) {
                for (int gap : new int[] {0, 3}) {
                    check(single(s[0], s[1], s[2], (bits & 1) != 0, (bits & 2) != 0, gap), (bits & 4) != 0,
                            Gemm.WHOLE, 0, bits % 3 == 0 ? 1 : 0.5);
                }
            }
        }
    }

    @Test
    void nothingIsAskedForWhereNothingIsToBeDone() {
        DeviceStorage all = new DeviceStorage(this, DType.F32, 0, 0, 9);
        assertEquals(0, new Product(all, all, all, 0, 3, 3).columnMajor().size());
        assertEquals(0, new Product(all, all, all, 3, 3, 0).columnMajor().size());
        assertEquals(0,
                new Product(all, all, all, 1, 1, 1).batch(0, 1, 1, 1, 1, 0, 0, 0).columnMajor().size());
    }

    /** Evenly spaced, with a or b repeated. */
    @Test
    void batches() {
        for (int[] strides : new int[][] {{20, 30, 24}, {15, 0, 24}, {16, 31, 0}}) {
            check(new Layout(3, 6, 4, false, false, new int[] {4, 6, 4}, new int[] {9, 1000, 2000}, 5,
                    new int[] {1, strides[0], strides[1], strides[2], 0, 0, 0}), false, Gemm.WHOLE, 0, 1);
        }
    }

    /** Heads within sequences, the layout of attention: both ways round, and where one batch holds all. */
    @Test
    void headsWithinSequences() {
        for (int[] of : new int[][] {{1, 1}, {1, 3}, {3, 1}, {2, 3}, {3, 2}, {2, 2}}) {
            int sequences = of[0];
            int heads = of[1];
            int time = 5;
            int size = 4;
            int width = heads * size;
            int square = time * time;
            int count = sequences * heads;
            int[] scores = {heads, heads * square, 3 * time * width, 3 * time * width, square, size, size};
            check(new Layout(time, size, time, false, true, new int[] {time, 3 * width, 3 * width},
                    new int[] {4000, 11, 11 + width}, count, scores), false, Gemm.WHOLE, 0, 0.5);
            int[] values = {heads, time * width, heads * square, 3 * time * width, size, square, size};
            for (boolean transposed : new boolean[] {false, true}) {
                check(new Layout(time, time, size, transposed, false, new int[] {width, time, 3 * width},
                        new int[] {6000, 4000, 11 + 2 * width}, count, values), false,
                        transposed ? Gemm.UPPER_A : Gemm.LOWER_A, 0, 1);
            }
            int[] even = {heads, heads * square, heads * square, heads * square, square, square, square};
            check(new Layout(time, time, time, false, false, new int[] {time, time, time},
                    new int[] {6000, 4000, 2000}, count, even), false, Gemm.WHOLE, 0, 1);
        }
    }
}
