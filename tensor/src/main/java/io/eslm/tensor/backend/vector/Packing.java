// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.vector;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Copies a matrix into panels: {@code width} of its rows (or columns) interleaved, so that a {@link Tile} reads both its
 * operands from front to back. A panel is (depth, width), dense; where the matrix ends within it, it is filled with zeros.
 */
final class Packing {
    /** Vectors of at most eight lanes, the narrowest panel. */
    private static final VectorSpecies<Float> H =
            VectorMath.LANES > Tile.ROWS ? FloatVector.SPECIES_256 : FloatVector.SPECIES_PREFERRED;
    private static final int BLOCK = 64;

    private Packing() {
    }

    /**
     * Packs {@code panels} panels side by side from a matrix with the depth along its rows: element j at depth l stands at
     * {@code from + l·ld + j}, for j &lt; {@code limit}.
     */
    static void rows(float[] to, int at, int depth, int width, int panels, float[] matrix, int from, int ld, int limit) {
        int whole = Math.min(panels, limit / width);
        for (int l = 0; l < depth; l++) {
            for (int p = 0; p < whole; p++) {
                copy(to, at + (p * depth + l) * width, matrix, from + l * ld + p * width, width);
            }
        }
        for (int p = whole; p < panels; p++) {
            int rest = Math.max(0, limit - p * width);
            for (int l = 0; l < depth; l++) {
                int start = at + (p * depth + l) * width;
                System.arraycopy(matrix, from + l * ld + p * width, to, start, rest);
                Arrays.fill(to, start + rest, start + width, 0);
            }
        }
    }

    private static void copy(float[] to, int at, float[] from, int start, int width) {
        for (int j = 0; j < width; j += H.length()) {
            FloatVector.fromArray(H, from, start + j).intoArray(to, at + j);
        }
    }

    /**
     * Packs {@code panels} panels from a matrix with the depth along its columns: element j at depth l stands at
     * {@code from + j·ld + l}, for j &lt; {@code limit}.
     */
    static void columns(float[] to, int at, int depth, int width, int panels, float[] matrix, int from, int ld, int limit) {
        for (int p = 0; p < panels; p++) {
            int panel = at + p * depth * width;
            for (int l = 0; l < depth; l += BLOCK) {
                int n = Math.min(BLOCK, depth - l);
                for (int j = 0; j < width; j += 8) {
                    int first = p * width + j;
                    if (first + 8 <= limit) {
                        transpose8(to, panel + l * width + j, width, n, matrix, from + first * ld + l, ld);
                    } else {
                        transposeEdge(to, panel + l * width + j, width, n, matrix, from + first * ld + l, ld, limit - first);
                    }
                }
            }
        }
    }

    private static void transpose8(float[] to, int at, int width, int n, float[] from, int start, int ld) {
        for (int l = 0; l < n; l++) {
            int t = at + l * width;
            int s = start + l;
            to[t] = from[s];
            to[t + 1] = from[s + ld];
            to[t + 2] = from[s + 2 * ld];
            to[t + 3] = from[s + 3 * ld];
            to[t + 4] = from[s + 4 * ld];
            to[t + 5] = from[s + 5 * ld];
            to[t + 6] = from[s + 6 * ld];
            to[t + 7] = from[s + 7 * ld];
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
