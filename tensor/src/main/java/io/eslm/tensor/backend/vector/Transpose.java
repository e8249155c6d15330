// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.vector;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * Transposes blocks of a matrix in registers, because a scalar copy moves one element a cycle. In round s (1, 2, 4, 8)
 * rows r and r + s swap the blocks of s lanes across the diagonal.
 *
 * <p>With vectors of 8 or 16 lanes, the same as in all other loops: a second species is a second subclass of
 * FloatVector; the compiler then no longer knows the class of every vector and boxes some of them, in some
 * compilations, anywhere. (Half a vector stored under a mask costs this processor far more than the rounds.)
 */
final class Transpose {
    private static final VectorSpecies<Float> S = VectorMath.S;
    private static final int LANES = VectorMath.LANES;
    private static final VectorShuffle<Float> SWAP_1 = swap(1);
    private static final VectorShuffle<Float> SWAP_2 = swap(2);
    private static final VectorShuffle<Float> SWAP_4 = swap(4);
    private static final VectorShuffle<Float> SWAP_8 = swap(8);
    private static final VectorMask<Float> ODD_1 = odd(1);
    private static final VectorMask<Float> ODD_2 = odd(2);
    private static final VectorMask<Float> ODD_4 = odd(4);
    private static final VectorMask<Float> ODD_8 = odd(8);
    /** Even lanes to the first half, odd ones to the second. */
    private static final VectorShuffle<Float> SPLIT = VectorShuffle.fromOp(S, i -> 2 * i % LANES + 2 * i / LANES);

    private Transpose() {
    }

    private static VectorShuffle<Float> swap(int by) {
        return VectorShuffle.fromOp(S, i -> (i ^ by) % LANES);
    }

    private static VectorMask<Float> odd(int by) {
        boolean[] lanes = new boolean[LANES];
        for (int i = 0; i < lanes.length; i++) {
            lanes[i] = (i & by) != 0;
        }
        return VectorMask.fromArray(S, lanes, 0);
    }

    /**
     * {@code rows} rows of n elements each, {@code ld} apart, become n rows of {@code rows} elements, {@code stride} apart.
     *
     * @param rows a multiple of 8
     */
    static void run(float[] to, int at, int stride, int n, float[] from, int start, int ld, int rows) {
        int wide = LANES == 16 && rows % 16 == 0 ? 16 : 8;
        for (int j = 0; j < rows; j += wide) {
            int l = 0;
            if (wide == 16) {
                for (; l + 16 <= n; l += 16) {
                    sixteen(to, at + l * stride + j, stride, from, start + j * ld + l, ld);
                }
            } else if (LANES == 16 && stride == 8) {
                for (; l + 16 <= n; l += 16) {
                    eightDense(to, at + l * 8 + j, from, start + j * ld + l, ld);
                }
            } else if (LANES == 8) {
                for (; l + 8 <= n; l += 8) {
                    eight(to, at + l * stride + j, stride, from, start + j * ld + l, ld);
                }
            }
            for (; l < n; l++) {
                for (int r = j; r < j + wide; r++) {
                    to[at + l * stride + r] = from[start + r * ld + l];
                }
            }
        }
    }

    /** Eight rows of eight elements, for vectors of eight lanes. */
    private static void eight(float[] to, int at, int stride, float[] from, int start, int ld) {
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
        a.blend(e.rearrange(SWAP_4), ODD_4).intoArray(to, at);
        b.blend(f.rearrange(SWAP_4), ODD_4).intoArray(to, at + stride);
        c.blend(g.rearrange(SWAP_4), ODD_4).intoArray(to, at + 2 * stride);
        d.blend(h.rearrange(SWAP_4), ODD_4).intoArray(to, at + 3 * stride);
        a.rearrange(SWAP_4).blend(e, ODD_4).intoArray(to, at + 4 * stride);
        b.rearrange(SWAP_4).blend(f, ODD_4).intoArray(to, at + 5 * stride);
        c.rearrange(SWAP_4).blend(g, ODD_4).intoArray(to, at + 6 * stride);
        d.rearrange(SWAP_4).blend(h, ODD_4).intoArray(to, at + 7 * stride);
    }

    /** Eight rows of sixteen elements, two blocks side by side in each vector; rows of eight are close together. */
    private static void eightDense(float[] to, int at, float[] from, int start, int ld) {
        FloatVector a = FloatVector.fromArray(S, from, start).rearrange(SPLIT);
        FloatVector b = FloatVector.fromArray(S, from, start + ld).rearrange(SPLIT);
        FloatVector c = FloatVector.fromArray(S, from, start + 2 * ld).rearrange(SPLIT);
        FloatVector d = FloatVector.fromArray(S, from, start + 3 * ld).rearrange(SPLIT);
        FloatVector e = FloatVector.fromArray(S, from, start + 4 * ld).rearrange(SPLIT);
        FloatVector f = FloatVector.fromArray(S, from, start + 5 * ld).rearrange(SPLIT);
        FloatVector g = FloatVector.fromArray(S, from, start + 6 * ld).rearrange(SPLIT);
        FloatVector h = FloatVector.fromArray(S, from, start + 7 * ld).rearrange(SPLIT);
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
        a.blend(e.rearrange(SWAP_4), ODD_4).intoArray(to, at);
        b.blend(f.rearrange(SWAP_4), ODD_4).intoArray(to, at + 16);
        c.blend(g.rearrange(SWAP_4), ODD_4).intoArray(to, at + 2 * 16);
        d.blend(h.rearrange(SWAP_4), ODD_4).intoArray(to, at + 3 * 16);
        a.rearrange(SWAP_4).blend(e, ODD_4).intoArray(to, at + 4 * 16);
        b.rearrange(SWAP_4).blend(f, ODD_4).intoArray(to, at + 5 * 16);
        c.rearrange(SWAP_4).blend(g, ODD_4).intoArray(to, at + 6 * 16);
        d.rearrange(SWAP_4).blend(h, ODD_4).intoArray(to, at + 7 * 16);
    }

    /** Sixteen rows of sixteen elements. */
    private static void sixteen(float[] to, int at, int stride, float[] from, int start, int ld) {
        FloatVector a = FloatVector.fromArray(S, from, start);
        FloatVector b = FloatVector.fromArray(S, from, start + ld);
        FloatVector c = FloatVector.fromArray(S, from, start + 2 * ld);
        FloatVector d = FloatVector.fromArray(S, from, start + 3 * ld);
        FloatVector e = FloatVector.fromArray(S, from, start + 4 * ld);
        FloatVector f = FloatVector.fromArray(S, from, start + 5 * ld);
        FloatVector g = FloatVector.fromArray(S, from, start + 6 * ld);
        FloatVector h = FloatVector.fromArray(S, from, start + 7 * ld);
        FloatVector i = FloatVector.fromArray(S, from, start + 8 * ld);
        FloatVector j = FloatVector.fromArray(S, from, start + 9 * ld);
        FloatVector k = FloatVector.fromArray(S, from, start + 10 * ld);
        FloatVector l = FloatVector.fromArray(S, from, start + 11 * ld);
        FloatVector m = FloatVector.fromArray(S, from, start + 12 * ld);
        FloatVector n = FloatVector.fromArray(S, from, start + 13 * ld);
        FloatVector o = FloatVector.fromArray(S, from, start + 14 * ld);
        FloatVector p = FloatVector.fromArray(S, from, start + 15 * ld);
        FloatVector a1 = a.blend(b.rearrange(SWAP_1), ODD_1), b1 = a.rearrange(SWAP_1).blend(b, ODD_1);
        FloatVector c1 = c.blend(d.rearrange(SWAP_1), ODD_1), d1 = c.rearrange(SWAP_1).blend(d, ODD_1);
        FloatVector e1 = e.blend(f.rearrange(SWAP_1), ODD_1), f1 = e.rearrange(SWAP_1).blend(f, ODD_1);
        FloatVector g1 = g.blend(h.rearrange(SWAP_1), ODD_1), h1 = g.rearrange(SWAP_1).blend(h, ODD_1);
        FloatVector i1 = i.blend(j.rearrange(SWAP_1), ODD_1), j1 = i.rearrange(SWAP_1).blend(j, ODD_1);
        FloatVector k1 = k.blend(l.rearrange(SWAP_1), ODD_1), l1 = k.rearrange(SWAP_1).blend(l, ODD_1);
        FloatVector m1 = m.blend(n.rearrange(SWAP_1), ODD_1), n1 = m.rearrange(SWAP_1).blend(n, ODD_1);
        FloatVector o1 = o.blend(p.rearrange(SWAP_1), ODD_1), p1 = o.rearrange(SWAP_1).blend(p, ODD_1);
        a = a1.blend(c1.rearrange(SWAP_2), ODD_2);
        c = a1.rearrange(SWAP_2).blend(c1, ODD_2);
        b = b1.blend(d1.rearrange(SWAP_2), ODD_2);
        d = b1.rearrange(SWAP_2).blend(d1, ODD_2);
        e = e1.blend(g1.rearrange(SWAP_2), ODD_2);
        g = e1.rearrange(SWAP_2).blend(g1, ODD_2);
        f = f1.blend(h1.rearrange(SWAP_2), ODD_2);
        h = f1.rearrange(SWAP_2).blend(h1, ODD_2);
        i = i1.blend(k1.rearrange(SWAP_2), ODD_2);
        k = i1.rearrange(SWAP_2).blend(k1, ODD_2);
        j = j1.blend(l1.rearrange(SWAP_2), ODD_2);
        l = j1.rearrange(SWAP_2).blend(l1, ODD_2);
        m = m1.blend(o1.rearrange(SWAP_2), ODD_2);
        o = m1.rearrange(SWAP_2).blend(o1, ODD_2);
        n = n1.blend(p1.rearrange(SWAP_2), ODD_2);
        p = n1.rearrange(SWAP_2).blend(p1, ODD_2);
        a1 = a.blend(e.rearrange(SWAP_4), ODD_4);
        e1 = a.rearrange(SWAP_4).blend(e, ODD_4);
        b1 = b.blend(f.rearrange(SWAP_4), ODD_4);
        f1 = b.rearrange(SWAP_4).blend(f, ODD_4);
        c1 = c.blend(g.rearrange(SWAP_4), ODD_4);
        g1 = c.rearrange(SWAP_4).blend(g, ODD_4);
        d1 = d.blend(h.rearrange(SWAP_4), ODD_4);
        h1 = d.rearrange(SWAP_4).blend(h, ODD_4);
        i1 = i.blend(m.rearrange(SWAP_4), ODD_4);
        m1 = i.rearrange(SWAP_4).blend(m, ODD_4);
        j1 = j.blend(n.rearrange(SWAP_4), ODD_4);
        n1 = j.rearrange(SWAP_4).blend(n, ODD_4);
        k1 = k.blend(o.rearrange(SWAP_4), ODD_4);
        o1 = k.rearrange(SWAP_4).blend(o, ODD_4);
        l1 = l.blend(p.rearrange(SWAP_4), ODD_4);
        p1 = l.rearrange(SWAP_4).blend(p, ODD_4);
        a1.blend(i1.rearrange(SWAP_8), ODD_8).intoArray(to, at);
        b1.blend(j1.rearrange(SWAP_8), ODD_8).intoArray(to, at + stride);
        c1.blend(k1.rearrange(SWAP_8), ODD_8).intoArray(to, at + 2 * stride);
        d1.blend(l1.rearrange(SWAP_8), ODD_8).intoArray(to, at + 3 * stride);
        e1.blend(m1.rearrange(SWAP_8), ODD_8).intoArray(to, at + 4 * stride);
        f1.blend(n1.rearrange(SWAP_8), ODD_8).intoArray(to, at + 5 * stride);
        g1.blend(o1.rearrange(SWAP_8), ODD_8).intoArray(to, at + 6 * stride);
        h1.blend(p1.rearrange(SWAP_8), ODD_8).intoArray(to, at + 7 * stride);
        a1.rearrange(SWAP_8).blend(i1, ODD_8).intoArray(to, at + 8 * stride);
        b1.rearrange(SWAP_8).blend(j1, ODD_8).intoArray(to, at + 9 * stride);
        c1.rearrange(SWAP_8).blend(k1, ODD_8).intoArray(to, at + 10 * stride);
        d1.rearrange(SWAP_8).blend(l1, ODD_8).intoArray(to, at + 11 * stride);
        e1.rearrange(SWAP_8).blend(m1, ODD_8).intoArray(to, at + 12 * stride);
        f1.rearrange(SWAP_8).blend(n1, ODD_8).intoArray(to, at + 13 * stride);
        g1.rearrange(SWAP_8).blend(o1, ODD_8).intoArray(to, at + 14 * stride);
        h1.rearrange(SWAP_8).blend(p1, ODD_8).intoArray(to, at + 15 * stride);
    }
}
