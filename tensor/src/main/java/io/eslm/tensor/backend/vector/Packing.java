// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.vector;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Copies a matrix into panels: {@code width} of its rows (or columns) interleaved, so that a {@link Tile} reads both
 * its operands from front to back. A panel is (depth, width), dense; where the matrix ends within it, it is filled with
 * zeros.
 */
final class Packing {
    private static final VectorSpecies<Float> S = VectorMath.S;
    private static final int BLOCK = 64;

    private Packing() {
    }

    /**
     * Packs {@code panels} panels side by side, {@code apart}, from a matrix with the depth along its rows: element j
     * at depth l is at {@code from + l·ld + j}, for j &lt; {@code limit}.
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

    /**
     * Without the Vector API: for eight floats it is not worth the risk that a large compilation boxes their vector.
     */
    private static void copyEight(float[] to, int at, int n, float[] from, int start, int ld) {
        for (int l = 0; l < n; l++) {
            System.arraycopy(from, start + l * ld, to, at + l * 8, 8);
        }
    }

    /**
     * Packs {@code panels} panels from a matrix with the depth along its columns: element j at depth l is at {@code
     * from + j·ld + l}, for j &lt; {@code limit}.
     */
    static void columns(float[] to, int at, int depth, int width, int panels, float[] matrix, int from, int ld,
            int limit) {
        for (int p = 0; p < panels; p++) {
            int panel = at + p * depth * width;
            int rows = Math.clamp(limit - p * width, 0, width);
            for (int l = 0; l < depth; l += BLOCK) {
                int n = Math.min(BLOCK, depth - l);
                int start = from + p * width * ld + l;
                if (rows == width) {
                    Transpose.run(to, panel + l * width, width, n, matrix, start, ld, width);
                } else {
                    edge(to, panel + l * width, width, n, matrix, start, ld, rows);
                }
            }
        }
    }

    private static void edge(float[] to, int at, int width, int n, float[] from, int start, int ld, int rows) {
        for (int l = 0; l < n; l++) {
            for (int j = 0; j < width; j++) {
                to[at + l * width + j] = j < rows ? from[start + j * ld + l] : 0;
            }
        }
    }
}
