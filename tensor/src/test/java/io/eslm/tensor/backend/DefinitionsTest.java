// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend;

import static io.eslm.tensor.backend.Calc.SCALAR;
import static io.eslm.tensor.backend.Calc.add;
import static io.eslm.tensor.backend.Calc.f64;
import static io.eslm.tensor.backend.Calc.ints;
import static io.eslm.tensor.backend.Calc.matmul;
import static io.eslm.tensor.backend.Calc.random;
import static io.eslm.tensor.backend.Calc.zeros;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.tensor.DType;
import io.eslm.tensor.Tensor;
import java.util.function.ToDoubleFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The definitions against hand-worked values, other formulas for the same thing, and differences of the forward pass. */
class DefinitionsTest {
    private static final Kernels K = SCALAR.kernels();

    static void assertClose(double[] expected, Tensor y, double tolerance) {
        assertArrayEquals(expected, y.toDoubles(), tolerance);
    }

    /** The gradient of {@code f} at x by central differences; error about h² = 1e-10 and 1e-16/h = 1e-11. */
    static double[] differences(Tensor x, ToDoubleFunction<Tensor> f) {
        double h = 1e-5;
        double[] v = x.toDoubles();
        double[] gradient = new double[v.length];
        for (int i = 0; i < v.length; i++) {
            double[] up = v.clone();
            double[] down = v.clone();
            up[i] += h;
            down[i] -= h;
            gradient[i] = (f.applyAsDouble(Tensor.of(SCALAR, DType.F64, up, x.shape().dims()))
                    - f.applyAsDouble(Tensor.of(SCALAR, DType.F64, down, x.shape().dims()))) / (2 * h);
        }
        return gradient;
    }

    @Test
    void fillCopyAxpby() {
        Tensor y = zeros(4);
        K.fill(y.storage(), 3, 2);
        assertClose(new double[] {2, 2, 2, 0}, y, 0);
        K.copy(y.storage(), f64(5, 6).storage(), 2);
        assertClose(new double[] {5, 6, 2, 0}, y, 0);
        K.axpby(y.storage(), f64(1, 2, 3).storage(), 3, 10, -1);
        assertClose(new double[] {5, 14, 28, 0}, y, 0);
        Tensor nan = f64(Double.NaN, Double.NaN);
        K.axpby(nan.storage(), f64(1, 2).storage(), 2, 3, 0);
        assertClose(new double[] {3, 6}, nan, 0);
    }

    @Test
    void extremesPropagateNaN() {
        Tensor a = f64(Double.NaN, 1, 2);
        Tensor b = f64(1, Double.NaN, 3);
        assertClose(new double[] {Double.NaN, Double.NaN, 3}, Calc.binary(Kernels.Binary.MAX, a, b), 0);
        assertClose(new double[] {Double.NaN, Double.NaN, 2}, Calc.binary(Kernels.Binary.MIN, a, b), 0);
        assertTrue(Double.isNaN(Calc.reduce(Kernels.Reduction.MAX, a, 0).item()));
        assertTrue(Double.isNaN(Calc.reduce(Kernels.Reduction.MIN, a, 0).item()));
    }

    @Test
    void emptyReductionsGiveTheirNeutralElement() {
        Tensor x = zeros(0);
        Tensor y = f64(7, 7);
        K.reduce(Kernels.Reduction.SUM, y.storage(), x.storage(), 1, 0, 2);
        assertClose(new double[] {0, 0}, y, 0);
        K.reduce(Kernels.Reduction.MAX, y.storage(), x.storage(), 2, 0, 1);
        assertClose(new double[] {Double.NEGATIVE_INFINITY, Double.NEGATIVE_INFINITY}, y, 0);
        K.reduce(Kernels.Reduction.MIN, y.storage(), x.storage(), 2, 0, 1);
        assertClose(new double[] {Double.POSITIVE_INFINITY, Double.POSITIVE_INFINITY}, y, 0);
    }

    @Test
    void scatterIsTheTransposeOfGather() {
        Tensor rows = ints(2, 0, 2);
        Tensor y = random(1, 3, 2);
        double[] before = y.toDoubles();
        K.scatterAddRows(y.storage(), f64(1, 2, 3, 4, 5, 6).storage(), rows.storage(), 3, 2);
        double[] after = y.toDoubles();
        double[] added = {3, 4, 0, 0, 6, 8};
        for (int i = 0; i < 6; i++) {
            assertEquals(before[i] + added[i], after[i], 1e-14);
        }
    }

    @Test
    void embeddingAddsTokenAndPosition() {
        Tensor wte = f64(1, 2, 3, 4, 5, 6);
        Tensor wpe = f64(10, 20, 30, 40, 50, 60);
        Tensor ids = ints(2, 0, 1, 2);
        Tensor y = zeros(2, 2, 2);
        K.embedding(y.storage(), ids.storage(), wte.storage(), wpe.storage(), 2, 2, 2, 1);
        assertClose(new double[] {35, 46, 51, 62, 33, 44, 55, 66}, y, 0);
        Tensor dwte = zeros(3, 2);
        Tensor dwpe = Tensor.full(SCALAR, DType.F64, 1, 2, 2);
        Tensor dy = f64(1, 2, 3, 4, 5, 6, 7, 8);
        K.embeddingBackward(dwte.storage(), dwpe.storage(), dy.storage(), ids.storage(), 2, 2, 2);
        assertClose(new double[] {3, 4, 5, 6, 8, 10}, dwte, 0);
        assertClose(new double[] {7, 9, 11, 13}, dwpe, 0);
        K.embeddingBackward(null, dwpe.storage(), dy.storage(), ids.storage(), 2, 2, 2);
        K.embeddingBackward(dwte.storage(), null, dy.storage(), ids.storage(), 2, 2, 2);
        assertClose(new double[] {6, 8, 10, 12, 16, 20}, dwte, 0);
        assertClose(new double[] {13, 17, 21, 25}, dwpe, 0);
    }

    @Test
    void productsAccumulateAndFuse() {
        Tensor a = random(1, 3, 4);
        Tensor w = random(2, 4, 5);
        Tensor y = random(3, 3, 5);
        Tensor expected = add(y, matmul(a, w));
        K.matmul(y.storage(), a.storage(), w.storage(), 3, 4, 5, false, false, true);
        assertTrue(y.allClose(expected, 0, 1e-15));
        Tensor bias = random(4, 5);
        Tensor residual = random(5, 3, 5);
        K.linear(y.storage(), a.storage(), w.storage(), bias.storage(), residual.storage(), 3, 4, 5);
        assertTrue(y.allClose(add(add(matmul(a, w), bias), residual), 0, 1e-14));
        K.linear(y.storage(), a.storage(), w.storage(), null, null, 3, 4, 5);
        assertTrue(y.allClose(matmul(a, w), 0, 0));
        Tensor pre = zeros(3, 5);
        K.linearGelu(y.storage(), pre.storage(), a.storage(), w.storage(), bias.storage(), 3, 4, 5);
        assertTrue(pre.allClose(add(matmul(a, w), bias), 0, 1e-14));
        assertTrue(y.allClose(Calc.gelu(pre), 0, 0));
        Tensor sum = f64(1, 1, 1, 1, 1);
        Tensor columns = Calc.sum(residual, 0).reshape(5);
        K.columnSum(sum.storage(), residual.storage(), 3, 5, true);
        assertTrue(sum.allClose(add(columns, f64(1)), 0, 1e-14));
        K.columnSum(sum.storage(), residual.storage(), 3, 5, false);
        assertTrue(sum.allClose(columns, 0, 1e-14));
    }

    /** (1, 3): mean 2, variance 1. With gamma (2, 3), beta (10, 20), eps 3: rstd ½, x̂ = (−½, ½). */
    @Test
    void layerNormByHand() {
        Tensor y = zeros(1, 2);
        Tensor mean = zeros(1);
        Tensor rstd = zeros(1);
        K.layerNorm(y.storage(), mean.storage(), rstd.storage(), f64(1, 3).storage(), f64(2, 3).storage(),
                f64(10, 20).storage(), 1, 2, 3);
        assertClose(new double[] {9, 21.5}, y, 1e-15);
        assertClose(new double[] {2}, mean, 0);
        assertClose(new double[] {0.5}, rstd, 1e-16);
    }

    private static Tensor layerNorm(Tensor x, Tensor gamma, Tensor beta, Tensor mean, Tensor rstd) {
        Tensor y = zeros(x.shape().dims());
        K.layerNorm(y.storage(), mean.storage(), rstd.storage(), x.storage(), gamma.storage(), beta.storage(), x.dim(0),
                x.dim(1), 1e-5);
        return y;
    }

    @Test
    void layerNormGradientsAreDifferences() {
        Tensor x = random(1, 3, 5);
        Tensor gamma = random(2, 5);
        Tensor beta = random(3, 5);
        Tensor dy = random(4, 3, 5);
        Tensor mean = zeros(3);
        Tensor rstd = zeros(3);
        layerNorm(x, gamma, beta, mean, rstd);
        double[] dxWanted = differences(x, v -> Calc.dot(layerNorm(v, gamma, beta, zeros(3), zeros(3)), dy));
        double[] dgWanted = differences(gamma, v -> Calc.dot(layerNorm(x, v, beta, zeros(3), zeros(3)), dy));
        double[] dbWanted = differences(beta, v -> Calc.dot(layerNorm(x, gamma, v, zeros(3), zeros(3)), dy));
        Tensor dx = random(5, 3, 5);
        Tensor dg = random(6, 5);
        Tensor db = random(7, 5);
        K.layerNormBackward(dx.storage(), dg.storage(), db.storage(), dy.storage(), x.storage(), mean.storage(),
                rstd.storage(), gamma.storage(), 3, 5, false, false);
        assertClose(dxWanted, dx, 1e-8);
        assertClose(dgWanted, dg, 1e-8);
        assertClose(dbWanted, db, 1e-8);
        K.layerNormBackward(dx.storage(), dg.storage(), db.storage(), dy.storage(), x.storage(), mean.storage(),
                rstd.storage(), gamma.storage(), 3, 5, true, true);
        assertClose(dxWanted, Calc.times(0.5, dx), 1e-8);
        assertClose(dgWanted, Calc.times(0.5, dg), 1e-8);
        assertClose(dbWanted, Calc.times(0.5, db), 1e-8);
    }

    /** 0.841192… is ½·(1 + tanh(√(2/π)·1.044715)), worked out with 30 digits. */
    @Test
    void geluByHandAndByDifferences() {
        assertClose(new double[] {0, 0.8411919906082767, -0.1588080093917233}, Calc.gelu(f64(0, 1, -1)), 1e-15);
        assertClose(new double[] {100, 0}, Calc.gelu(f64(100, -100)), 1e-15);
        Tensor x = Calc.times(2, random(1, 9));
        Tensor dy = random(2, 9);
        Tensor dx = zeros(9);
        K.geluBackward(dx.storage(), x.storage(), dy.storage(), 9);
        assertClose(differences(x, v -> Calc.dot(Calc.gelu(v), dy)), dx, 1e-8);
        K.geluBackward(dy.storage(), x.storage(), dy.storage(), 9);
        assertTrue(dy.sameAs(dx), "in place");
    }

    @Test
    void softmaxGradientIsTheDifferenceAlsoInPlace() {
        Tensor x = random(1, 3, 4);
        Tensor dy = random(2, 3, 4);
        Tensor y = Calc.softmax(x);
        double[] expected = differences(x, v -> Calc.dot(Calc.softmax(v), dy));
        K.softmaxBackward(dy.storage(), y.storage(), dy.storage(), 3, 4);
        assertClose(expected, dy, 1e-8);
        K.softmax(x.storage(), x.storage(), 3, 4);
        assertTrue(x.sameAs(y), "in place");
        assertClose(new double[] {1, 0, 0.5, 0.5}, Calc.softmax(f64(1e300, -1e300, -1e300, -1e300).reshape(2, 2)), 0);
    }

    @Test
    void dropoutKeepsTheMeanAndItsBackwardTheSameElements() {
        int n = 100_000;
        Tensor ones = Tensor.full(SCALAR, DType.F64, 1, n);
        Tensor y = zeros(n);
        K.dropout(y.storage(), ones.storage(), n, 0.3, 42);
        // the mean of 0 and 1/0.7 has a standard error of √(0.3/0.7/n) = 0.0021: five of them
        assertEquals(1, Calc.sum(y) / n, 0.0105);
        assertEquals(1 / 0.7, Calc.largest(y), 1e-15);
        Tensor again = zeros(n);
        K.dropout(again.storage(), ones.storage(), n, 0.3, 42);
        assertTrue(again.sameAs(y));
        K.dropout(again.storage(), ones.storage(), n, 0.3, 43);
        // both seeds keep an element with chance 0.49, standard error 0.0016
        assertEquals(0.49, Calc.dot(y, again) / n * 0.49, 0.008);
        K.dropout(again.storage(), ones.storage(), n, 0, 43);
        assertTrue(again.sameAs(ones));
    }

    @Test
    void sumOfSquaresIsAdded() {
        Tensor y = f64(100);
        Storage[] xs = {f64(3, 4).storage(), f64(-12).storage()};
        K.addSumOfSquares(y.storage(), xs, new int[] {2, 1});
        assertEquals(269, y.item());
    }

    /** One step by hand: g = 2, m = 0.2, v = 0.004·…; corrections make m̂ = g and v̂ = g², so the step is lr·sign(g). */
    @Test
    void firstAdamWStepHasTheSizeOfTheLearningRate() {
        Tensor param = f64(1, 1);
        Tensor grad = f64(4, -4);
        Tensor m = zeros(2);
        Tensor v = zeros(2);
        adamW(param, grad, m, v, 0.5, 0.1, 0.001, 0.5);
        assertClose(new double[] {0.95 - 0.1, 0.95 + 0.1}, param, 1e-15);
        assertClose(new double[] {0.2, -0.2}, m, 1e-15);
        assertClose(new double[] {0.004, 0.004}, v, 1e-15);
        adamW(param, grad, m, v, 0, 0.19, 0.001999, 1);
        // m̂ = (0.18 + 0.4)/0.19, v̂ = (0.003996 + 0.016)/0.001999
        double step = 0.1 * (0.58 / 0.19) / Math.sqrt(0.019996 / 0.001999);
        assertClose(new double[] {0.85 - step, 1.05 + step}, param, 1e-14);
    }

    private static void adamW(Tensor param, Tensor grad, Tensor m, Tensor v, double decay, double correction1,
            double correction2, double gradScale) {
        K.adamW(new Storage[] {param.storage()}, new Storage[] {grad.storage()}, new Storage[] {m.storage()},
                new Storage[] {v.storage()}, new int[] {2}, new boolean[] {true}, 0.1, 0.9, 0.999, 0, decay,
                correction1, correction2, gradScale);
    }

    @ParameterizedTest
    @EnumSource(names = {"F32", "F64"})
    void resultsAreRoundedOnce(DType type) {
        Tensor x = Tensor.of(SCALAR, type, new double[] {1e8, 1, -1e8}, 3);
        Tensor sum = Tensor.zeros(SCALAR, type, 1);
        K.reduce(Kernels.Reduction.SUM, sum.storage(), x.storage(), 1, 3, 1);
        assertEquals(1, sum.item(), "summed in double");
        assertEquals(type == DType.F32 ? (double) 0.1f : 0.1, Tensor.full(SCALAR, type, 0.1).item());
    }

    @Test
    void foreignMemoryIsRefused() {
        Storage foreign = new Storage() {
            @Override
            public DType dtype() {
                return DType.F32;
            }

            @Override
            public int size() {
                return 1;
            }
        };
        assertThrows(IllegalArgumentException.class, () -> K.fill(foreign, 1, 0));
        assertThrows(IllegalArgumentException.class, () -> SCALAR.write(foreign, new float[1], 0, 1));
    }

    @Test
    void copiesStayInsideTheirWindow() {
        Tensor x = Tensor.zeros(SCALAR, DType.F32, 4);
        Storage window = SCALAR.slice(x.storage(), 1, 2);
        SCALAR.write(window, new float[] {0, 5, 6}, 1, 2);
        assertArrayEquals(new float[] {0, 5, 6, 0}, x.toFloats());
        float[] back = new float[3];
        SCALAR.read(window, back, 1, 2);
        assertArrayEquals(new float[] {0, 5, 6}, back);
        assertThrows(IndexOutOfBoundsException.class, () -> SCALAR.write(window, new float[3], 0, 3));
        assertThrows(IndexOutOfBoundsException.class, () -> SCALAR.read(window, new double[3], 0, 3));
        assertThrows(IndexOutOfBoundsException.class, () -> SCALAR.slice(window, 1, 2));
    }
}
