// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend;

import static io.eslm.tensor.backend.Calc.SCALAR;
import static io.eslm.tensor.backend.Calc.random;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.tensor.Broadcast;
import io.eslm.tensor.DType;
import io.eslm.tensor.Rng;
import io.eslm.tensor.Shape;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.ArrayKernels.Binary;
import io.eslm.tensor.backend.ArrayKernels.Reduction;
import io.eslm.tensor.backend.ArrayKernels.Unary;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Laws that the definitions obey whatever the shape: seeded random shapes, with axes of 0 and 1 among them, in F64. */
class KernelLawsTest {
    /** F64 sums of a few hundred terms of size 1: n·2⁻⁵³ ≈ 1e-13. */
    private static final double ROUNDING = 1e-12;

    private static int[] randomDims(Rng rng, int rank, int bound) {
        return IntStream.range(0, rank).map(i -> rng.nextInt(bound)).toArray();
    }

    /** {@code dims} with some axes set to 1 and some leading ones left out. */
    private static int[] shrunk(Rng rng, int[] dims) {
        int[] out = Arrays.copyOfRange(dims, rng.nextInt(dims.length + 1), dims.length);
        Arrays.setAll(out, i -> rng.nextInt(3) == 0 ? 1 : out[i]);
        return out;
    }

    /** The multi-index of element {@code i} of a dense {@code shape}. */
    private static int[] index(Shape shape, int i) {
        int[] index = new int[shape.rank()];
        for (int axis = shape.rank() - 1, rest = i; axis >= 0; rest /= shape.dim(axis), axis--) {
            index[axis] = rest % shape.dim(axis);
        }
        return index;
    }

    /** {@code index} into {@code shape}, which repeats where it has 1. */
    private static int[] broadcast(int[] index, Shape shape) {
        int[] out = new int[shape.rank()];
        Arrays.setAll(out, a -> shape.dim(a) == 1 ? 0 : index[index.length - out.length + a]);
        return out;
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20})
    void broadcastingIsTheExplicitLoop(long seed) {
        Rng rng = Rng.of(seed);
        int[] dims = randomDims(rng, rng.nextInt(5), 5);
        Tensor a = random(seed, shrunk(rng, dims));
        Tensor b = random(-seed, shrunk(rng, dims));
        Tensor y = Calc.binary(Binary.SUB, a, b);
        int rank = Math.max(a.rank(), b.rank());
        assertEquals(rank, y.rank());
        for (int axis = 1; axis <= rank; axis++) {
            int da = axis <= a.rank() ? a.dim(-axis) : 1;
            int db = axis <= b.rank() ? b.dim(-axis) : 1;
            assertEquals(da == 1 ? db : da, y.dim(-axis));
        }
        double[] values = y.toDoubles();
        for (int i = 0; i < values.length; i++) {
            int[] at = index(y.shape(), i);
            assertEquals(a.get(broadcast(at, a.shape())) - b.get(broadcast(at, b.shape())), values[i]);
        }
    }

    /** ⟨broadcast(a), w⟩ = ⟨a, w summed along the axes of stride 0⟩, which is what a gradient needs. */
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10})
    void summingIsTheTransposeOfBroadcasting(long seed) {
        Rng rng = Rng.of(seed);
        Shape whole = Shape.of(randomDims(rng, 3, 5));
        Tensor a = random(seed, shrunk(rng, whole.dims()));
        Tensor w = random(-seed, whole.dims());
        Tensor summed = w;
        int[] strides = Broadcast.strides(a.shape(), whole);
        for (int axis = 0; axis < strides.length; axis++) {
            summed = strides[axis] == 0 ? Calc.sum(summed, axis) : summed;
        }
        assertEquals(Calc.dot(w, a), Calc.dot(summed.reshape(a.shape().dims()), a), ROUNDING);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void permuteMovesEachElementAndItsInverseBack(long seed) {
        Rng rng = Rng.of(seed);
        Tensor x = random(seed, randomDims(rng, 4, 5));
        int[] axes = {0, 1, 2, 3};
        for (int i = 3; i > 0; i--) {
            int j = rng.nextInt(i + 1);
            int swap = axes[i];
            axes[i] = axes[j];
            axes[j] = swap;
        }
        Tensor y = Calc.permute(x, axes);
        int[] inverse = new int[4];
        for (int a = 0; a < 4; a++) {
            inverse[axes[a]] = a;
        }
        double[] values = y.toDoubles();
        for (int i = 0; i < values.length; i++) {
            int[] at = index(y.shape(), i);
            assertEquals(x.get(Arrays.stream(inverse).map(a -> at[a]).toArray()), values[i]);
        }
        assertTrue(Calc.permute(y, inverse).sameAs(x));
    }

    @ParameterizedTest
    @CsvSource({"0, 0", "0, 1", "0, 3", "1, 0", "1, 2", "2, 0", "2, 2", "2, 5"})
    void slicesSideBySideAreTheWhole(int axis, int cut) {
        Tensor x = random(1, 3, 2, 5);
        Tensor left = Calc.slice(x, axis, 0, cut);
        Tensor right = Calc.slice(x, axis, cut, x.dim(axis));
        double[] values = x.toDoubles();
        for (int i = 0; i < values.length; i++) {
            int[] at = index(x.shape(), i);
            boolean isLeft = at[axis] < cut;
            at[axis] -= isLeft ? 0 : cut;
            assertEquals(values[i], (isLeft ? left : right).get(at));
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6})
    void sumsOverAxesMeetInTheTotal(long seed) {
        Tensor x = random(seed, randomDims(Rng.of(seed), 3, 7));
        for (int first = 0; first < 3; first++) {
            Tensor y = Calc.sum(Calc.sum(Calc.sum(x, first), (first + 1) % 3), (first + 2) % 3);
            assertEquals(Calc.sum(x), y.item(), ROUNDING);
        }
    }

    @Test
    void reductionsAreTheExplicitLoop() {
        Tensor x = random(1, 4, 5, 3);
        for (int i = 0; i < 4; i++) {
            for (int k = 0; k < 3; k++) {
                int row = i;
                int column = k;
                double[] axis = IntStream.range(0, 5).mapToDouble(j -> x.get(row, j, column)).toArray();
                assertEquals(Arrays.stream(axis).sum(), Calc.sum(x, 1).get(i, 0, k), ROUNDING);
                assertEquals(Arrays.stream(axis).max().orElseThrow(),
                        Calc.reduce(Reduction.MAX, x, 1).get(i, 0, k));
                assertEquals(Arrays.stream(axis).min().orElseThrow(),
                        Calc.reduce(Reduction.MIN, x, 1).get(i, 0, k));
            }
        }
    }

    @Test
    void argmaxTakesTheFirstOfEquals() {
        Tensor x = Tensor.of(SCALAR, DType.F64, new double[] {1, 3, 3, 5, 2, 5}, 2, 3);
        Tensor y = Tensor.zeros(SCALAR, DType.I32, 2);
        SCALAR.kernels().argmax(y.storage(), x.storage(), 2, 3);
        assertArrayEquals(new int[] {1, 0}, y.toInts());
    }

    @Test
    void functionsOfOneAndTwoNumbers() {
        double[] v = {-2, -0.5, 0.25, 3};
        Tensor x = Calc.f64(v);
        for (Unary f : Unary.values()) {
            double[] want = Arrays.stream(v).map(a -> switch (f) {
                case NEG -> 0 - a;
                case EXP -> Math.exp(a);
                case LOG -> Math.log(a);
                case SQRT -> Math.sqrt(a);
                case TANH -> Math.tanh(a);
                case ABS -> a < 0 ? -a : a;
                case RELU -> a > 0 ? a : 0;
                case SQUARE -> Math.pow(a, 2);
                case RECIPROCAL -> Math.pow(a, -1);
                case SIGMOID -> 0.5 + 0.5 * Math.tanh(a / 2);
            }).toArray();
            // the same numbers by another formula: the last bit may differ
            assertArrayEquals(want, Calc.unary(f, x).toDoubles(), 1e-15, f.name());
        }
        for (Binary f : Binary.values()) {
            double[] want = Arrays.stream(v).map(a -> switch (f) {
                case ADD -> a + 0.25;
                case SUB -> a - 0.25;
                case MUL -> a / 4;
                case DIV -> a * 4;
                case MAX -> a < 0.25 ? 0.25 : a;
                case MIN -> a > 0.25 ? 0.25 : a;
                case POW -> Math.sqrt(Math.sqrt(a));
                case GREATER_EQUAL -> a < 0.25 ? 0 : 1;
            }).toArray();
            assertArrayEquals(want, Calc.binary(f, x, Calc.f64(0.25)).toDoubles(), 1e-15, f.name());
        }
    }

    /** One product, several, and none; sizes that fit nothing. */
    @ParameterizedTest
    @ValueSource(ints = {0, 1, 3})
    void matmulIsTheExplicitLoopHoweverItsFactorsAreStored(int batch) {
        for (int[] mkn : new int[][] {{2, 3, 5}, {1, 7, 1}, {0, 2, 3}, {3, 0, 2}, {2, 1, 0}}) {
            Tensor a = random(1, batch, mkn[0], mkn[1]);
            Tensor b = random(2, batch, mkn[1], mkn[2]);
            Tensor y = Calc.matmul(a, b);
            double[] values = y.toDoubles();
            for (int i = 0; i < values.length; i++) {
                int[] at = index(y.shape(), i);
                double sum =
                        IntStream.range(0, mkn[1]).mapToDouble(l -> a.get(at[0], at[1], l) * b.get(at[0], l, at[2]))
                                .sum();
                assertEquals(sum, values[i], ROUNDING);
            }
            Tensor at = Calc.permute(a, 0, 2, 1);
            Tensor bt = Calc.permute(b, 0, 2, 1);
            assertTrue(y.sameAs(Calc.matmul(at, b, true, false)));
            assertTrue(y.sameAs(Calc.matmul(a, bt, false, true)));
            assertTrue(y.sameAs(Calc.matmul(at, bt, true, true)));
        }
    }

    @Test
    void matmulIsAssociative() {
        Tensor a = random(1, 5, 7);
        Tensor b = random(2, 7, 3);
        Tensor c = random(3, 3, 4);
        assertTrue(Calc.matmul(Calc.matmul(a, b), c).allClose(Calc.matmul(a, Calc.matmul(b, c)), 0, ROUNDING));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 7, 8, 9, 33})
    void softmaxSumsToOneAndIgnoresAShift(int cols) {
        Tensor x = Calc.times(3, random(cols, 4, cols));
        Tensor y = Calc.softmax(x);
        Tensor one = Tensor.full(SCALAR, DType.F64, 1, 4, 1);
        assertTrue(Calc.sum(y, 1).allClose(one, 0, ROUNDING));
        Tensor shifted = Calc.add(x, Tensor.full(SCALAR, DType.F64, 1000));
        assertTrue(Calc.softmax(shifted).allClose(y, 1e-10, 0), "1000 + x keeps 13 digits of x");
        Tensor e = Calc.unary(Unary.EXP, x);
        assertTrue(y.allClose(Calc.binary(Binary.DIV, e, Calc.sum(e, 1)), 1e-13, 0));
    }

    @Test
    void emptyArraysAndSingleNumbersWorkEverywhere() {
        Tensor empty = Calc.zeros(2, 0, 3);
        assertEquals(Shape.of(2, 0, 3), Calc.softmax(Calc.gelu(Calc.add(empty, empty))).shape());
        assertEquals(Shape.of(3, 2, 0), Calc.permute(empty, 2, 0, 1).shape());
        assertArrayEquals(new double[6], Calc.sum(empty, 1).toDoubles());
        Tensor two = Tensor.full(SCALAR, DType.F64, 2);
        assertEquals(2, Calc.permute(two).item());
        assertEquals(4, Calc.mul(two, two).item());
        assertEquals(1, Calc.softmax(two).item());
    }
}
