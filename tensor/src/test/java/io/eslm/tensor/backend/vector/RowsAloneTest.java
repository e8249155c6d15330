// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.vector;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.eslm.tensor.DType;
import io.eslm.tensor.Rng;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import io.eslm.tensor.backend.HeapStorage;
import io.eslm.tensor.backend.Kernels;
import io.eslm.tensor.backend.Q8Storage;
import io.eslm.tensor.backend.Storage;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A row of a product, or of attention, has the same bits in company as alone. */
class RowsAloneTest {
    private static final int MOST = 33;
    private static final int[] COUNTS = {1, 2, 3, 4, 5, 7, 8, 9, 12, 13, 16, 27, MOST};
    private final Backend backend = Backends.open("vector", 2);
    private final Kernels kernels = backend.kernels();
    private final Rng rng = Rng.of(5);

    @AfterEach
    void close() {
        backend.close();
    }

    private Storage normal(int n) {
        double[] x = new double[n];
        Arrays.setAll(x, i -> rng.nextGaussian());
        Storage s = backend.allocate(DType.F32, n);
        backend.write(s, x, 0, n);
        return s;
    }

    private float[] read(Storage s, int n) {
        float[] x = new float[n];
        backend.read(s, x, 0, n);
        return x;
    }

    /** linearRows of m rows, row by row, against {@code want}: the product of as many rows as {@code as} says. */
    private void check(Storage x, Storage w, Storage bias, Storage residual, int k, int n, boolean transW,
            boolean gelu) {
        for (int as : new int[] {1, 5, 6, 7, 10, 12, 13, Kernels.MANY}) {
            int group = as == Kernels.MANY ? MOST : as;
            for (int m : COUNTS) {
                Storage y = backend.allocate(DType.F32, m * n);
                Storage pre = backend.allocate(DType.F32, m * n);
                kernels.linearRows(y, gelu ? pre : null, x, w, bias, residual, m, k, n, transW, as);
                float[] got = read(y, m * n);
                for (int row = 0; row < m; row++) {
                    int from = Math.min(row, MOST - group);
                    Storage alone = backend.allocate(DType.F32, group * n);
                    Storage part = backend.slice(x, from * k, group * k);
                    if (transW) {
                        kernels.matmul(alone, part, w, group, k, n, false, true, false);
                    } else if (gelu) {
                        kernels.linearGelu(alone, backend.allocate(DType.F32, group * n), part, w, bias, group, k, n);
                    } else {
                        kernels.linear(alone, part, w, bias, backend.slice(residual, from * n, group * n), group, k, n);
                    }
                    float[] want = read(backend.slice(alone, (row - from) * n, n), n);
                    assertArrayEquals(want, Arrays.copyOfRange(got, row * n, (row + 1) * n), k + "x" + n + ", " + m
                            + " rows as " + as + ", row " + row);
                }
            }
        }
    }

    @Test
    void productsOfFloats() {
        for (int[] s : new int[][] {{5, 3}, {48, 80}, {35, 97}, {800, 70}}) {
            check(normal(MOST * s[0]), normal(s[0] * s[1]), normal(s[1]), normal(MOST * s[1]), s[0], s[1], false,
                    false);
            check(normal(MOST * s[0]), normal(s[0] * s[1]), normal(s[1]), null, s[0], s[1], false, true);
            check(normal(MOST * s[0]), normal(s[0] * s[1]), null, null, s[0], s[1], true, false);
        }
    }

    @Test
    void productsOfEightBits() {
        for (int[] s : new int[][] {{5, 3}, {64, 40}, {100, 37}}) {
            HeapStorage.F32 w = (HeapStorage.F32) normal(s[0] * s[1]);
            check(normal(MOST * s[0]), Q8Storage.of(w, s[1], s[0], true), normal(s[1]), normal(MOST * s[1]), s[0], s[1],
                    false, false);
            check(normal(MOST * s[0]), Q8Storage.of(w, s[1], s[0], false), null, null, s[0], s[1], true, false);
        }
    }

    /** A sequence read in pieces and in pages, beside another, against one pass over a cache of its own. */
    @Test
    void attention() {
        int heads = 2;
        int size = 20;
        int width = heads * size;
        for (int length : new int[] {1, 3, 8, 9, 30, 71}) {
            Storage qkv = normal(length * 3 * width);
            Storage want = backend.allocate(DType.F32, length * width);
            kernels.attentionCached(want, backend.allocate(DType.F32, length * width),
                    backend.allocate(DType.F32, length * width),
                    qkv, 1, length, 0, length, heads, size);
            for (int page : new int[] {1, 4, 16}) {
                for (int piece : new int[] {1, 5, 16, 71}) {
                    assertArrayEquals(read(want, length * width), inPieces(qkv, length, piece, page, heads, size),
                            length + " positions by " + piece + " in pages of " + page);
                }
            }
        }
    }

    private float[] inPieces(Storage qkv, int length, int piece, int page, int heads, int size) {
        int width = heads * size;
        int pages = (length + page - 1) / page;
        int[] table = new int[2 * pages];
        Arrays.setAll(table, i -> 2 * pages - 1 - i);
        Storage keys = normal(2 * pages * page * width);
        Storage values = normal(2 * pages * page * width);
        float[] got = new float[length * width];
        for (int at = 0; at < length; at += piece) {
            int n = Math.min(piece, length - at);
            Storage both = normal(2 * n * 3 * width);
            float[] own = read(backend.slice(qkv, at * 3 * width, n * 3 * width), n * 3 * width);
            backend.write(backend.slice(both, n * 3 * width, n * 3 * width), own, 0, own.length);
            Storage y = backend.allocate(DType.F32, 2 * n * width);
            kernels.attentionPaged(y, keys, values, both, 2, new int[] {0, n, 2 * n}, new int[] {at, at},
                    new int[] {at % 2 == 0 ? 1 : 50, length}, table, pages, page, heads, size);
            backend.read(backend.slice(y, n * width, n * width), got, at * width, n * width);
        }
        return got;
    }

    @Test
    void aPageThatIsNotThereIsNamed() {
        Storage s = normal(64);
        String message = assertThrows(IndexOutOfBoundsException.class,
                () -> kernels.attentionPaged(s, s, s, s, 1, new int[] {0, 2}, new int[] {1}, new int[] {1},
                        new int[] {0, 99}, 2,
                        2, 1, 2))
                .getMessage();
        assertEquals("kernel attentionPaged: page 1 of part 0 is 99, which is outside [0, 16)", message);
    }
}
