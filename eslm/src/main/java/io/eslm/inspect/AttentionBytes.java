// SPDX-License-Identifier: Apache-2.0
package io.eslm.inspect;

/**
 * The attention weights of every head in 8 bits: a weight p is stored as round(255·√p), read back as (byte/255)². So a weight of
 * 0.002 still has 11 steps, and no weight is wrong by more than 0.004.
 */
final class AttentionBytes {
    /** Rows and columns of a small picture, at most. */
    static final int SMALL = 48;
    private static final int MOST = 255;

    private final int heads;
    private final int positions;
    private final int side;
    private final byte[][] triangles;
    private final byte[] small;

    AttentionBytes(int layers, int heads, int positions) {
        this.heads = heads;
        this.positions = positions;
        side = Math.min(SMALL, positions);
        triangles = new byte[layers * heads][];
        small = new byte[layers * heads * side * side];
    }

    /** Keeps the pattern of a block: (H, T, T), each row the weights of one reader. */
    void put(int layer, float[] pattern) {
        byte[] triangle = new byte[positions * (positions + 1) / 2];
        for (int h = 0; h < heads; h++) {
            int n = layer * heads + h;
            int out = 0;
            for (int q = 0; q < positions; q++) {
                int row = (h * positions + q) * positions;
                for (int s = 0; s <= q; s++) {
                    int value = quantised(pattern[row + s]);
                    triangle[out++] = (byte) value;
                    shrink(n, q, s, value);
                }
            }
            triangles[n] = Packed.deflated(triangle);
        }
    }

    static int quantised(float p) {
        return (int) Math.round(MOST * Math.sqrt(Math.clamp(p, 0, 1)));
    }

    /** A pixel of a small picture shows the largest weight that it covers: means would wipe out a diagonal. */
    private void shrink(int n, int q, int s, int value) {
        int at = (n * side + (int) ((long) q * side / positions)) * side + (int) ((long) s * side / positions);
        small[at] = (byte) Math.max(small[at] & MOST, value);
    }

    /** Rows and columns of a small picture. */
    int side() {
        return side;
    }

    /** Small pictures (L·H, side, side). */
    byte[] small() {
        return small;
    }

    /** For each of L·H heads the rows of its lower triangle, deflated. */
    byte[][] triangles() {
        return triangles;
    }
}
