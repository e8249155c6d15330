// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.scalar.ScalarBackend;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Laws that tensors obey whatever their shape: seeded random shapes, with axes of 0 and 1 among them, in F64. */
class TensorLawsTest {
    private static final Backend SCALAR = new ScalarBackend();
    /** F64 sums of a few hundred terms of size 1: n·2⁻⁵³ ≈ 1e-13. */
    private static final double ROUNDING = 1e-12;

    private static Tensor random(Rng rng, int... dims) {
        return Tensor.randn(SCALAR, DType.F64, rng, 1, dims);
    }

    private static int[] randomDims(Rng rng, int rank, int bound) {
        return IntStream.range(0, rank).map(i -> rng.nextInt(bound)).toArray();
    }

    /** {@code dims} with some axes set to 1 and some leading ones left out. */
    private static int[] shrunk(Rng rng, int[] dims) {
        int[] out = Arrays.copyOfRange(dims, rng.nextInt(dims.length + 1), dims.length);
        Arrays.setAll(out, i -> rng.nextInt(3) == 0 ? 1 : out[i]);
        return out;
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20})
    void broadcastingIsTheExplicitLoop(long seed) {
        Rng rng = Rng.of(seed);
        int[] dims = randomDims(rng, rng.nextInt(5), 5);
        Tensor a = random(rng, shrunk(rng, dims));
        Tensor b = random(rng, shrunk(rng, dims));
        Tensor y = a.sub(b);
        int rank = Math.max(a.rank(), b.rank());
        assertEquals(rank, y.rank());
        int[] visited = new int[1];
        Index.each(y.shape(), i -> {
            visited[0]++;
            double expected = a.get(Index.broadcast(i, a.shape())) - b.get(Index.broadcast(i, b.shape()));
            assertEquals(expected, y.get(i), "seed " + seed + " at " + Arrays.toString(i));
        });
        assertEquals(y.size(), visited[0]);
        for (int axis = 1; axis <= rank; axis++) {
            int da = axis <= a.rank() ? a.dim(-axis) : 1;
            int db = axis <= b.rank() ? b.dim(-axis) : 1;
            assertEquals(da == 1 ? db : da, y.dim(-axis));
        }
    }

    /** ⟨broadcast(a), w⟩ = ⟨a, sumTo(w)⟩: sumTo is the transpose of broadcasting, which is what a gradient needs. */
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10})
    void sumToIsTheTransposeOfBroadcasting(long seed) {
        Rng rng = Rng.of(seed);
        int[] dims = randomDims(rng, 3, 5);
        Tensor a = random(rng, shrunk(rng, dims));
        Tensor w = random(rng, dims);
        Tensor summed = w.sumTo(a.shape());
        assertEquals(a.shape(), summed.shape());
        assertEquals(w.mul(a).sum().item(), summed.mul(a).sum().item(), ROUNDING);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void permuteMovesEachElementAndItsInverseBack(long seed) {
        Rng rng = Rng.of(seed);
        int[] dims = randomDims(rng, 4, 5);
        Tensor x = random(rng, dims);
        int[] axes = {0, 1, 2, 3};
        for (int i = 3; i > 0; i--) {
            int j = rng.nextInt(i + 1);
            int swap = axes[i];
            axes[i] = axes[j];
            axes[j] = swap;
        }
        Tensor y = x.permute(axes);
        Index.each(y.shape(), i -> {
            int[] source = new int[4];
            for (int a = 0; a < 4; a++) {
                source[axes[a]] = i[a];
            }
            assertEquals(x.get(source), y.get(i));
        });
        int[] inverse = new int[4];
        for (int a = 0; a < 4; a++) {
            inverse[axes[a]] = a;
        }
        assertTrue(y.permute(inverse).sameAs(x));
    }

    @Test
    void transposeExchangesTwoAxes() {
        Tensor x = random(Rng.of(1), 2, 3, 4);
        assertTrue(x.transpose(0, -1).sameAs(x.permute(2, 1, 0)));
        assertTrue(x.transpose(1, 1).sameAs(x));
        assertEquals(x.get(1, 2, 3), x.transpose(1, 2).get(1, 3, 2));
    }

    @ParameterizedTest
    @CsvSource({"0, 0", "0, 1", "0, 3", "1, 0", "1, 2", "2, 0", "2, 2", "2, 5", "-1, 4"})
    void concatOfSlicesIsTheWhole(int axis, int cut) {
        Tensor x = random(Rng.of(1), 3, 2, 5);
        Tensor left = x.slice(axis, 0, cut);
        Tensor right = x.slice(axis, cut, x.dim(axis));
        assertEquals(cut, left.dim(axis));
        assertTrue(Tensor.concat(axis, left, right).sameAs(x));
        assertTrue(Tensor.concat(axis, x).sameAs(x));
    }

    @Test
    void sliceTakesTheNamedElements() {
        Tensor x = Tensor.arange(SCALAR, DType.I32, 24).reshape(2, 3, 4);
        assertArrayEquals(new int[] {5, 6, 9, 10, 17, 18, 21, 22}, x.slice(1, 1, 3).slice(2, 1, 3).toInts());
    }

    @Test
    void gatherRowsReadsTheNamedRows() {
        Tensor x = random(Rng.of(1), 5, 2, 3);
        Tensor ids = Tensor.of(SCALAR, new int[] {4, 0, 4, 1}, 2, 2);
        Tensor y = x.gatherRows(ids);
        assertEquals(Shape.of(2, 2, 2, 3), y.shape());
        Index.each(y.shape(), i -> assertEquals(x.get((int) ids.get(i[0], i[1]), i[2], i[3]), y.get(i)));
        assertEquals(Shape.of(0, 2, 3), x.gatherRows(Tensor.zeros(SCALAR, DType.I32, 0)).shape());
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6})
    void sumsOverAxesMeetInTheTotal(long seed) {
        Rng rng = Rng.of(seed);
        Tensor x = random(rng, randomDims(rng, 3, 7));
        double total = Arrays.stream(x.toDoubles()).sum();
        for (int axis = 0; axis < 3; axis++) {
            assertEquals(total, x.sum(axis).sum(0).sum(0).item(), ROUNDING);
            assertEquals(x.shape().with(axis, 1), x.sum(axis, true).shape());
        }
        assertEquals(total, x.sum().item(), ROUNDING);
    }

    @Test
    void reductionsAreTheExplicitLoop() {
        Tensor x = random(Rng.of(1), 4, 5, 3);
        for (int i = 0; i < 4; i++) {
            for (int k = 0; k < 3; k++) {
                double sum = 0;
                double max = Double.NEGATIVE_INFINITY;
                double min = Double.POSITIVE_INFINITY;
                for (int j = 0; j < 5; j++) {
                    sum += x.get(i, j, k);
                    max = Math.max(max, x.get(i, j, k));
                    min = Math.min(min, x.get(i, j, k));
                }
                double squares = 0;
                for (int j = 0; j < 5; j++) {
                    squares += Math.pow(x.get(i, j, k) - sum / 5, 2);
                }
                assertEquals(sum, x.sum(1).get(i, k), ROUNDING);
                assertEquals(sum / 5, x.mean(1, true).get(i, 0, k), ROUNDING);
                assertEquals(squares / 5, x.variance(1, false).get(i, k), ROUNDING);
                assertEquals(max, x.max(1).get(i, k));
                assertEquals(min, x.min(1).get(i, k));
            }
        }
        assertEquals(Arrays.stream(x.toDoubles()).max().orElseThrow(), x.max().item());
        assertEquals(Arrays.stream(x.toDoubles()).min().orElseThrow(), x.min().item());
        assertEquals(Arrays.stream(x.toDoubles()).average().orElseThrow(), x.mean().item(), ROUNDING);
    }

    /** Batches equal, repeated on one side, on both sides crosswise, missing, and empty; sizes that fit nothing. */
    @ParameterizedTest
    @CsvSource({"'', ''", "'3', ''", "'', '3'", "'3', '3'", "'2,3', '2,3'", "'2,3', '3'", "'3', '2,3'", "'2,1', '1,3'",
        "'2,1,3', '4,1'", "'1,1', '2'", "'2', '1,1'", "'0', ''", "'0', '1'", "'1', '0'"})
    void matmulIsTheExplicitLoop(String aBatch, String bBatch) {
        Rng rng = Rng.of(7);
        for (int[] mkn : new int[][] {{2, 3, 5}, {1, 7, 1}, {0, 2, 3}, {3, 0, 2}, {2, 1, 0}}) {
            Tensor a = random(rng, batched(aBatch, mkn[0], mkn[1]));
            Tensor b = random(rng, batched(bBatch, mkn[1], mkn[2]));
            Tensor y = a.matmul(b);
            int rank = y.rank();
            assertEquals(Shape.of(mkn[0], mkn[2]), Shape.of(y.dim(-2), y.dim(-1)));
            Index.each(y.shape(), i -> {
                double sum = 0;
                for (int l = 0; l < mkn[1]; l++) {
                    int[] ai = i.clone();
                    ai[rank - 1] = l;
                    int[] bi = i.clone();
                    bi[rank - 2] = l;
                    sum += at(a, ai) * at(b, bi);
                }
                assertEquals(sum, y.get(i), ROUNDING);
            });
            Tensor at = a.transpose(-1, -2);
            Tensor bt = b.transpose(-1, -2);
            assertTrue(y.allClose(at.matmul(b, true, false), 0, ROUNDING));
            assertTrue(y.allClose(a.matmul(bt, false, true), 0, ROUNDING));
            assertTrue(y.allClose(at.matmul(bt, true, true), 0, ROUNDING));
        }
    }

    /** Element of a matrix batch: batch axes broadcast, the last two never do. */
    private static double at(Tensor t, int[] index) {
        int[] i = Arrays.copyOfRange(index, index.length - t.rank(), index.length);
        for (int axis = 0; axis < i.length - 2; axis++) {
            i[axis] = t.dim(axis) == 1 ? 0 : i[axis];
        }
        return t.get(i);
    }

    private static int[] batched(String batch, int rows, int cols) {
        String text = (batch.isEmpty() ? "" : batch + ",") + rows + "," + cols;
        return Arrays.stream(text.split(",")).mapToInt(Integer::parseInt).toArray();
    }

    @Test
    void matmulIsAssociative() {
        Rng rng = Rng.of(3);
        Tensor a = random(rng, 2, 5, 7);
        Tensor b = random(rng, 7, 3);
        Tensor c = random(rng, 2, 3, 4);
        assertTrue(a.matmul(b).matmul(c).allClose(a.matmul(b.matmul(c)), 0, 1e-12));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 7, 8, 9, 33})
    void softmaxSumsToOneAndIgnoresAShift(int cols) {
        Tensor x = random(Rng.of(cols), 4, cols).mul(3);
        Tensor y = x.softmax();
        assertTrue(y.sum(-1).allClose(Tensor.full(SCALAR, DType.F64, 1, 4), 0, ROUNDING));
        assertTrue(x.add(1000).softmax().allClose(y, 1e-10, 0), "1000 + x keeps 13 digits of x");
        assertTrue(y.allClose(x.exp().div(x.exp().sum(-1, true)), 1e-13, 0));
        assertTrue(x.logSoftmax().allClose(y.log(), 0, ROUNDING));
    }

    @Test
    void emptyTensorsAndScalarsWorkEverywhere() {
        Tensor empty = Tensor.zeros(SCALAR, DType.F64, 2, 0, 3);
        assertEquals(Shape.of(2, 0, 3), empty.add(empty).exp().gelu().softmax().shape());
        assertEquals(Shape.of(3, 2, 0), empty.permute(2, 0, 1).shape());
        assertArrayEquals(new double[6], empty.sum(1).toDoubles());
        assertEquals(0, empty.sum().item());
        assertTrue(Double.isNaN(empty.mean().item()));
        assertEquals(Shape.of(2, 0), empty.max(2).shape());
        assertEquals(Shape.of(2, 4, 3), Tensor.concat(1, empty, Tensor.zeros(SCALAR, DType.F64, 2, 4, 3)).shape());
        Tensor scalar = Tensor.full(SCALAR, DType.F64, 2);
        assertEquals(2, scalar.permute().item());
        assertEquals(4, scalar.mul(scalar).item());
        assertEquals(1, scalar.softmax().item());
        assertEquals(2, scalar.sum().item());
        assertEquals(Shape.of(), scalar.sumTo(Shape.of()).shape());
        assertThrows(IllegalArgumentException.class, () -> scalar.softmax().max(0));
    }
}
