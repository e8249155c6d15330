// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.tensor.DType;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.api.Test;

class Q8StorageTest {
    /** The quotient and the scale are rounded: three roundings of a value of at most 127 scales. */
    private static final double ROUNDINGS = 3 * 127 * 0x1p-24;

    private static HeapStorage.F32 random(int n) {
        HeapStorage.F32 x = (HeapStorage.F32) HeapStorage.allocate(DType.F32, n + 5);
        Random random = new Random(n);
        for (int i = 0; i < x.size(); i++) {
            x.data[i] = (float) (random.nextGaussian() * Math.pow(2, random.nextInt(20) - 10));
        }
        return (HeapStorage.F32) x.slice(5, n);
    }

    @ParameterizedTest
    @CsvSource({"1, 1", "1, 32", "3, 31", "5, 33", "2, 64", "7, 100", "64, 3", "33, 770"})
    void everyValueIsWithinHalfAScale(int rows, int cols) {
        for (boolean turned : new boolean[] {false, true}) {
            HeapStorage.F32 x = random(rows * cols);
            Q8Storage y = Q8Storage.of(x, rows, cols, turned);
            assertEquals(rows * cols, y.size());
            for (int r = 0; r < rows; r++) {
                for (int from = 0; from < cols; from += 32) {
                    double most = 0;
                    for (int c = from; c < Math.min(cols, from + 32); c++) {
                        most = Math.max(most, Math.abs(x.get(turned ? c * rows + r : r * cols + c)));
                    }
                    for (int c = from; c < Math.min(cols, from + 32); c++) {
                        int i = turned ? c * rows + r : r * cols + c;
                        assertEquals(x.get(i), y.get(i), most / 127 * (0.5 + ROUNDINGS), "row " + r + " column " + c);
                    }
                }
            }
        }
    }

    @Test
    void largestValueOfABlockKeepsItsSizeAndZerosAreZero() {
        HeapStorage.F32 x = (HeapStorage.F32) HeapStorage.allocate(DType.F32, 96);
        x.set(3, -5);
        x.set(4, 0.01);
        x.set(70, 1e-30);
        Q8Storage y = Q8Storage.of(x, 1, 96, false);
        assertEquals(-5, y.get(3), 5 * 0x1p-23);
        assertEquals(0, y.get(4));
        assertEquals(0, y.get(40));
        assertEquals(1e-30, y.get(70), 1e-30 * 0x1p-23);
        assertEquals(3 * 36, Q8Storage.bytes(1, 96));
    }

    /** Values of a file in Q8_0 stay what they are: where a block has a 127, its scale comes out again. */
    @Test
    void multiplesOfAScaleStayAsTheyAre() {
        HeapStorage.F32 x = (HeapStorage.F32) HeapStorage.allocate(DType.F32, 32);
        for (int i = 0; i < 32; i++) {
            x.set(i, 0.0123f * (127 - 8 * i));
        }
        Q8Storage y = Q8Storage.of(x, 1, 32, false);
        for (int i = 0; i < 32; i++) {
            assertEquals(127 - 8 * i, y.values[i]);
        }
    }

    @Test
    void slicesShareTheValuesAndNothingCanBeWritten() {
        HeapStorage.F32 x = random(70);
        Q8Storage y = Q8Storage.of(x, 2, 35, false);
        HeapStorage part = y.slice(20, 30);
        assertEquals(30, part.size());
        assertEquals(y.get(40), part.get(20));
        assertTrue(
                assertThrows(UnsupportedOperationException.class, () -> y.set(0, 1)).getMessage().contains("8 bits"));
    }
}
