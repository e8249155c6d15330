// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.vector;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * Copies a matrix into panels: {@code width} of its rows (or columns) interleaved, so that a {@link Tile} reads both
 * its operands from front to back. A panel is (depth, width), dense; where the matrix ends within it, it is filled with
 * zeros.
 */
final class Packing {
    private static final VectorSpecies<Float> S = VectorMath.S;
    private static final int BLOCK = 64;
    private static final VectorShuffle<Float> SWAP_1 = swap(1);
    private static final VectorShuffle<Float> SWAP_2 = swap(2);
    private static final VectorShuffle<Float> SWAP_4 = swap(4);
    private static final VectorMask<Float> ODD_1 = odd(1);
    private static final VectorMask<Float> ODD_2 = odd(2);
    private static final VectorMask<Float> ODD_4 = odd(4);
    private static final VectorMask<Float> ODD_8 = odd(8);
    private static final VectorMask<Float> EVEN_8 = ODD_8.not();

    private Packing() {
    }

    private static VectorShuffle<Float> swap(int by) {
        return VectorShuffle.fromOp(S, i -> (i ^ by) % S.length());
    }

    private static VectorMask<Float> odd(int by) {
        boolean[] lanes = new boolean[S.length()];
        for (int i = 0; i < lanes.length; i++) {
            lanes[i] = (i & by) != 0;
        }
        return VectorMask.fromArray(S, lanes, 0);
    }

    /**
     * Packs {@code panels} panels side by side, {@code apart}, from a matrix with the depth along its rows: element j
     * at depth l stands at {@code from + l·ld + j}, for j &lt; {@code limit}.
     */
    static void rows(float[] to, int at, int apart, int depth, int width, int panels, float[] matrix, int from, int ld,
            int limit) {
        int whole = Math.min(panels, limit / width);
        for (int l = 0; l < depth; l += 8) {
            int n = Math.min(8, depth - l);
            for (int p = 0; p < whole; p++) {
                int start = at + p * apart + l * width;
                if (width == Tile.COLS) {
                    copyTwo(to, start, n, matrix, from + l * ld + p * width, ld);
                } else {
                    copyEight(to, start, n, matrix, from + l * ld + p * width, ld);
                }
            }
        }
        for (int p = whole; p < panels; p++) {
            int rest = Math.max(0, limit - p * width);
            for (int l = 0; l < depth; l++) {
                int start = at + p * apart + l * width;
                System.arraycopy(matrix, from + l * ld + p * width, to, start, rest);
                Arrays.fill(to, start + rest, start + width, 0);
            }
        }
    }

    private static void copyTwo(float[] to, int at, int n, float[] from, int start, int ld) {
        for (int l = 0; l < n; l++) {
            FloatVector.fromArray(S, from, start + l * ld).intoArray(to, at + l * Tile.COLS);
            FloatVector.fromArray(S, from, start + l * ld + S.length()).intoArray(to, at + l * Tile.COLS + S.length());
        }
    }

    /** Not in the Vector API: eight floats are too little to risk that a large compilation boxes their vector. */
    private static void copyEight(float[] to, int at, int n, float[] from, int start, int ld) {
        for (int l = 0; l < n; l++) {
            System.arraycopy(from, start + l * ld, to, at + l * 8, 8);
        }
    }

    /**
     * Packs {@code panels} panels from a matrix with the depth along its columns: element j at depth l stands at
     * {@code from + j·ld + l}, for j &lt; {@code limit}.
     */
    static void columns(float[] to, int at, int depth, int width, int panels, float[] matrix, int from, int ld,
            int limit) {
        for (int p = 0; p < panels; p++) {
            int panel = at + p * depth * width;
            for (int l = 0; l < depth; l += BLOCK) {
                int n = Math.min(BLOCK, depth - l);
                for (int j = 0; j < width; j += 8) {
                    int first = p * width + j;
                    if (first + 8 <= limit) {
                        transpose8(to, panel + l * width + j, width, n, matrix, from + first * ld + l, ld);
                    } else {
                        transposeEdge(to, panel + l * width + j, width, n, matrix, from + first * ld + l, ld,
                                limit - first);
                    }
                }
            }
        }
    }

    /**
     * Eight rows of n elements each, {@code ld} apart, become n rows of eight elements, {@code stride} apart: in
     * registers, 8×8 at a time, because a scalar copy moves one element a cycle.
     */
    static void transpose8(float[] to, int at, int stride, int n, float[] from, int start, int ld) {
        int l = 0;
        if (S.length() == 8 || S.length() == 16) {
            for (; l + S.length() <= n; l += S.length()) {
                transpose8x8(to, at + l * stride, stride, from, start + l, ld);
            }
        }
        for (; l < n; l++) {
            for (int j = 0; j < 8; j++) {
                to[at + l * stride + j] = from[start + j * ld + l];
            }
        }
    }

    /**
     * Three rounds; in round s (1, 2, 4) rows r and r + s swap the blocks of s lanes that stand across the diagonal. Vectors
     * of 16 lanes do so with two blocks of 8×8 side by side. Not with vectors of 8 lanes beside the 16 of all other loops: a
     * second species in use makes the compiler box vectors in some of its attempts, anywhere.
     */
    private static void transpose8x8(float[] to, int at, int stride, float[] from, int start, int ld) {
        FloatVector a = FloatVector.fromArray(S, from, start);
        FloatVector b = FloatVector.fromArray(S, from, start + ld);
        FloatVector c = FloatVector.fromArray(S, from, start + 2 * ld);
        FloatVector d = FloatVector.fromArray(S, from, start + 3 * ld);
        FloatVector e = FloatVector.fromArray(S, from, start + 4 * ld);
        FloatVector f = FloatVector.fromArray(S, from, start + 5 * ld);
        FloatVector g = FloatVector.fromArray(S, from, start + 6 * ld);
        FloatVector h = FloatVector.fromArray(S, from, start + 7 * ld);
        FloatVector a1 = a.blend(b.rearrange(SWAP_1), ODD_1), b1 = a.rearrange(SWAP_1).blend(b, ODD_1);
        FloatVector c1 = c.blend(d.rearrange(SWAP_1), ODD_1), d1 = c.rearrange(SWAP_1).blend(d, ODD_1);
        FloatVector e1 = e.blend(f.rearrange(SWAP_1), ODD_1), f1 = e.rearrange(SWAP_1).blend(f, ODD_1);
        FloatVector g1 = g.blend(h.rearrange(SWAP_1), ODD_1), h1 = g.rearrange(SWAP_1).blend(h, ODD_1);
        a = a1.blend(c1.rearrange(SWAP_2), ODD_2);
        c = a1.rearrange(SWAP_2).blend(c1, ODD_2);
        b = b1.blend(d1.rearrange(SWAP_2), ODD_2);
        d = b1.rearrange(SWAP_2).blend(d1, ODD_2);
        e = e1.blend(g1.rearrange(SWAP_2), ODD_2);
        g = e1.rearrange(SWAP_2).blend(g1, ODD_2);
        f = f1.blend(h1.rearrange(SWAP_2), ODD_2);
        h = f1.rearrange(SWAP_2).blend(h1, ODD_2);
        a1 = a.blend(e.rearrange(SWAP_4), ODD_4);
        b1 = b.blend(f.rearrange(SWAP_4), ODD_4);
        c1 = c.blend(g.rearrange(SWAP_4), ODD_4);
        d1 = d.blend(h.rearrange(SWAP_4), ODD_4);
        e1 = a.rearrange(SWAP_4).blend(e, ODD_4);
        f1 = b.rearrange(SWAP_4).blend(f, ODD_4);
        g1 = c.rearrange(SWAP_4).blend(g, ODD_4);
        h1 = d.rearrange(SWAP_4).blend(h, ODD_4);
        a1.intoArray(to, at, EVEN_8);
        b1.intoArray(to, at + stride, EVEN_8);
        c1.intoArray(to, at + 2 * stride, EVEN_8);
        d1.intoArray(to, at + 3 * stride, EVEN_8);
        e1.intoArray(to, at + 4 * stride, EVEN_8);
        f1.intoArray(to, at + 5 * stride, EVEN_8);
        g1.intoArray(to, at + 6 * stride, EVEN_8);
        h1.intoArray(to, at + 7 * stride, EVEN_8);
        if (S.length() == 16) {
            int second = at + 8 * stride - 8;
            a1.intoArray(to, second, ODD_8);
            b1.intoArray(to, second + stride, ODD_8);
            c1.intoArray(to, second + 2 * stride, ODD_8);
            d1.intoArray(to, second + 3 * stride, ODD_8);
            e1.intoArray(to, second + 4 * stride, ODD_8);
            f1.intoArray(to, second + 5 * stride, ODD_8);
            g1.intoArray(to, second + 6 * stride, ODD_8);
            h1.intoArray(to, second + 7 * stride, ODD_8);
        }
    }

    private static void transposeEdge(float[] to, int at, int width, int n, float[] from, int start, int ld, int rows) {
        for (int l = 0; l < n; l++) {
            for (int j = 0; j < 8; j++) {
                to[at + l * width + j] = j < rows ? from[start + j * ld + l] : 0;
            }
        }
    }
}
