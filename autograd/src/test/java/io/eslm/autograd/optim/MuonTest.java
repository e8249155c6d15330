// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.optim;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.autograd.Parameter;
import io.eslm.autograd.check.GradCheck;
import io.eslm.tensor.DType;
import io.eslm.tensor.Rng;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import io.eslm.tensor.backend.HeapStorage;
import io.eslm.tensor.backend.Kernels;
import io.eslm.tensor.backend.ScalarBackend;
import io.eslm.tensor.backend.Storage;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MuonTest {
    private static final AdamWOptions OPTIONS = AdamWOptions.DEFAULT;
    private final Backend backend = Backends.open("scalar", 1);

    @AfterEach
    void close() {
        backend.close();
    }

    private Parameter parameter(double[] values, int... dims) {
        Tensor t = Tensor.zeros(backend, DType.F64, dims);
        backend.write(t.storage(), values, 0, values.length);
        return new Parameter(t);
    }

    private void setGradient(Parameter p, double... values) {
        backend.write(p.gradient().storage(), values, 0, values.length);
    }

    /**
     * torch.optim.Muon of PyTorch 2.13 after three steps, momentum 0.9, adjust_lr_fn "match_rms_adamw", lr 0.1, decay 0.1, with
     * its iteration in float64 in place of bfloat16.
     */
    @ParameterizedTest
    @CsvSource({
        "3, 5, '0.8642190808, 0.9371913628, 0.1705500451, -0.7206061078, -0.9474350851, -0.3303931751, 0.6795212664, "
                + "1.0117492588, 0.4437382228, -0.5254329962, -0.9969054230, -0.5934522517, 0.4347688440, 1.0184578447, "
                + "0.6446688337'",
        "5, 3, '0.8910976343, 0.8899991259, 0.1318046137, -0.7267808489, -0.9688235866, -0.3295843495, 0.6819389274, "
                + "0.9827619035, 0.4013907009, -0.5126328322, -0.9593284095, -0.5848525225, 0.4068100944, 1.0282048031, "
                + "0.6519820973'"})
    void threeStepsAreThoseOfPyTorch(int rows, int cols, String golden) {
        double[] start = IntStream.range(0, 15).mapToDouble(i -> Math.sin(1 + i)).toArray();
        Parameter w = parameter(start, rows, cols);
        Muon muon = new Muon(Map.of("w", w), _ -> true, OPTIONS, 0.9);
        for (int step = 0; step < 3; step++) {
            int s = step;
            setGradient(w, IntStream.range(0, 15).mapToDouble(i -> Math.cos(2 + s + (s + 1) * i)).toArray());
            muon.step(0.1);
        }
        assertArrayEquals(Arrays.stream(golden.split(", ")).mapToDouble(Double::parseDouble).toArray(),
                w.value().toDoubles(), 1e-9, "of which 10 digits are given");
    }

    @ParameterizedTest
    @CsvSource({"1, 1", "1, 4", "4, 1", "3, 3", "3, 4", "4, 3", "3, 7", "7, 3"})
    void itFollowsItsEquations(int rows, int cols) {
        Rng rng = Rng.of(3);
        int n = rows * cols;
        double[] w = GradCheck.weights(n, rng);
        Parameter parameter = parameter(w, rows, cols);
        Muon muon = new Muon(Map.of("w", parameter), _ -> true, OPTIONS, 0.95);
        double[] b = new double[n];
        for (int step = 0; step < 5; step++) {
            double[] g = GradCheck.weights(n, rng);
            setGradient(parameter, g);
            muon.step(0.02, 0.5);
            double[][] u = new double[rows][cols];
            for (int i = 0; i < n; i++) {
                b[i] = 0.95 * b[i] + 0.5 * g[i];
                u[i / cols][i % cols] = 0.5 * g[i] + 0.95 * b[i];
            }
            double[][] o = orthogonal(u);
            for (int i = 0; i < n; i++) {
                w[i] = w[i] * (1 - 0.02 * 0.1) - 0.02 * 0.2 * Math.sqrt(Math.max(rows, cols)) * o[i / cols][i % cols];
            }
        }
        assertEquals(5 * 2 * Muon.multiplyAdds(rows, cols), backend.flops().total(), "nothing else multiplies");
        // Some hundred roundings of values of order 1, and another order where the matrix is tall or long.
        assertArrayEquals(w, parameter.value().toDoubles(), 1e-11);
        assertArrayEquals(b, muon.state().get("m").get("w").toDoubles(), 1e-13);
    }

    /**
     * A long float matrix whose singular values fall from 1 to 1e-6: the squares of the small ones drown in the rounding of X·Xᵀ,
     * and those directions are still right.
     */
    @ParameterizedTest
    @CsvSource({"8, 32", "32, 8"})
    void smallSingularValuesSurviveFloat(int rows, int cols) {
        int rank = Math.min(rows, cols);
        Rng rng = Rng.of(5);
        double[][] left = map(new double[rows][rank], (_, _) -> rng.nextGaussian());
        double[][] right =
                map(new double[rank][cols], (i, _) -> rng.nextGaussian() * Math.pow(10, -6.0 * i / (rank - 1)));
        double[][] u = product(left, right);
        Tensor w = Tensor.zeros(backend, DType.F32, rows, cols);
        Parameter parameter = new Parameter(w);
        double[] flat = Arrays.stream(u).flatMapToDouble(Arrays::stream).toArray();
        setGradient(parameter, flat);
        new Muon(Map.of("w", parameter), _ -> true, OPTIONS, 0).step(-1 / (0.2 * Math.sqrt(32)));
        double[] expected = Arrays.stream(orthogonal(u)).flatMapToDouble(Arrays::stream).toArray();
        // O = P(A)·X, and P is about 1/√λ, at most a⁵ = 485. A rounding r of A moves P by r/2·λ^(−3/2), and O by r/2/λ, which is
        // largest where P ends to grow, at λ = 485⁻²: 3e-8 · 485² = 7e-3. Roundings of all entries do not add up to that.
        assertArrayEquals(expected, w.toDoubles(), 7e-3);
    }

    /** A backend whose products round their factors to bfloat16. */
    private static final class Rounding extends ScalarBackend {
        Rounding() {
            super(new Kernels() {
                @Override
                protected void runMatmul(Storage y, Storage a, Storage b, int m, int k, int n, boolean transA,
                        boolean transB, boolean accumulate) {
                    super.runMatmul(y, rounded(a), rounded(b), m, k, n, transA, transB, accumulate);
                }
            });
        }

        private static Storage rounded(Storage x) {
            HeapStorage from = HeapStorage.of(x);
            HeapStorage to = HeapStorage.allocate(DType.F32, x.size());
            for (int i = 0; i < x.size(); i++) {
                to.set(i, Float.intBitsToFloat(Float.floatToIntBits((float) from.get(i)) + 0x8000 & -0x10000));
            }
            return to;
        }

        @Override
        public boolean roundsFactors() { return true; }
    }

    /** A long gradient of rank 1: of A = X·Xᵀ, all other eigenvalues are what rounding makes of 0. */
    @Test
    void productsThatRoundTheirFactorsAreNotAmplified() {
        int rows = 32;
        int cols = 128;
        Rng rng = Rng.of(5);
        double[][] u = product(map(new double[rows][1], (_, _) -> rng.nextGaussian()),
                map(new double[1][cols], (_, _) -> rng.nextGaussian()));
        Tensor w = Tensor.zeros(new Rounding(), DType.F32, rows, cols);
        Parameter parameter = new Parameter(w);
        w.backend().write(parameter.gradient().storage(),
                Arrays.stream(u).flatMapToDouble(Arrays::stream).toArray(), 0, rows * cols);
        new Muon(Map.of("w", parameter), _ -> true, OPTIONS, 0).step(-1 / (0.2 * Math.sqrt(cols)));
        // Five steps take the singular value 1 to 0.696; bfloat16 rounds by 2⁻⁹, each of the fifteen products.
        assertEquals(0.696, norm(w.toDoubles()), 0.03);
    }

    private static double norm(double[] x) {
        return Math.sqrt(Arrays.stream(x).map(v -> v * v).sum());
    }

    /** X = a·X + (b·X·Xᵀ + c·(X·Xᵀ)²)·X, whatever the shape. */
    private static double[][] orthogonal(double[][] u) {
        double norm = Math.sqrt(Arrays.stream(u).flatMapToDouble(Arrays::stream).map(x -> x * x).sum());
        double[][] x = map(u, (i, j) -> u[i][j] / norm);
        for (int k = 0; k < 5; k++) {
            double[][] now = x;
            double[][] transposed = new double[now[0].length][now.length];
            double[][] columns = map(transposed, (i, j) -> now[j][i]);
            double[][] a = product(now, columns);
            double[][] cubed = product(a, now);
            double[][] fifth = product(a, cubed);
            x = map(now, (i, j) -> 3.4445 * now[i][j] - 4.7750 * cubed[i][j] + 2.0315 * fifth[i][j]);
        }
        return x;
    }

    private interface Entry {
        double at(int i, int j);
    }

    private static double[][] map(double[][] like, Entry entry) {
        double[][] y = new double[like.length][like[0].length];
        for (int i = 0; i < y.length; i++) {
            for (int j = 0; j < y[i].length; j++) {
                y[i][j] = entry.at(i, j);
            }
        }
        return y;
    }

    private static double[][] product(double[][] a, double[][] b) {
        return map(new double[a.length][b[0].length],
                (i, j) -> IntStream.range(0, b.length).mapToDouble(k -> a[i][k] * b[k][j]).sum());
    }

    @Test
    void anUpdateIsNearlyOrthogonal() {
        Parameter w = parameter(new double[24], 4, 6);
        setGradient(w, GradCheck.weights(24, Rng.of(9)));
        new Muon(Map.of("w", w), _ -> true, OPTIONS, 0.95).step(1 / (0.2 * Math.sqrt(6)));
        double[] o = w.value().toDoubles();
        for (int i = 0; i < 4; i++) {
            for (int j = 0; j < 4; j++) {
                double dot = 0;
                for (int k = 0; k < 6; k++) {
                    dot += o[i * 6 + k] * o[j * 6 + k];
                }
                assertEquals(i == j ? 1 : 0, dot, 0.55,
                        "singular values from 0.7 to 1.2, so their squares from 0.5 to 1.44");
            }
        }
    }

    @Test
    void whatIsNoMatrixOfALayerFollowsAdamW() {
        Map<String, Parameter> ours = embeddingAndBias();
        Map<String, Parameter> theirs = embeddingAndBias();
        Muon muon = new Muon(ours, name -> name.equals("bias"), OPTIONS, 0.95);
        AdamW adamW = new AdamW(theirs, OPTIONS);
        for (int step = 0; step < 3; step++) {
            double[] g = GradCheck.weights(6, Rng.of(step));
            ours.values().forEach(p -> setGradient(p, Arrays.copyOf(g, p.value().size())));
            theirs.values().forEach(p -> setGradient(p, Arrays.copyOf(g, p.value().size())));
            muon.step(0.1, 0.5);
            adamW.step(0.1, 0.5);
        }
        ours.forEach((name, p) -> assertArrayEquals(theirs.get(name).value().toDoubles(), p.value().toDoubles(), name));
        assertArrayEquals(new Object[] {"m", "v"}, muon.state().keySet().toArray());
        assertEquals(ours.keySet(), muon.state().get("v").keySet());
    }

    /** Each parameter is updated as if it were alone, wherever it stands; those that take no gradient are left. */
    @Test
    void matricesAndOthersTakeTurns() {
        Rng rng = Rng.of(4);
        Map<String, Parameter> mixed = new LinkedHashMap<>();
        Map<String, Parameter> alone = new LinkedHashMap<>();
        for (String name : List.of("bias", "frozen", "matrix", "embedding", "tall")) {
            int[] dims =
                    name.equals("bias") ? new int[] {6} : name.equals("tall") ? new int[] {3, 2} : new int[] {2, 3};
            double[] values = GradCheck.weights(6, rng);
            Parameter p = parameter(values, dims);
            mixed.put(name, name.equals("frozen") ? Parameter.fixed(p.value()) : p);
            alone.put(name, parameter(values, dims));
        }
        Muon muon = new Muon(mixed, Set.of("matrix", "tall", "frozen")::contains, OPTIONS, 0.95);
        Map<String, Optimizer> each = new LinkedHashMap<>();
        alone.forEach((name, p) -> each.put(name, name.equals("matrix") || name.equals("tall")
                ? new Muon(Map.of(name, p), _ -> true, OPTIONS, 0.95) : new AdamW(Map.of(name, p), OPTIONS)));
        each.remove("frozen");
        for (int step = 0; step < 3; step++) {
            for (String name : each.keySet()) {
                double[] g = GradCheck.weights(6, rng);
                setGradient(mixed.get(name), g);
                setGradient(alone.get(name), g);
                each.get(name).step(0.1, 0.5);
            }
            muon.step(0.1, 0.5);
        }
        mixed.forEach((name, p) -> assertArrayEquals(alone.get(name).value().toDoubles(), p.value().toDoubles(), name));
        assertEquals(List.copyOf(each.keySet()), List.copyOf(muon.state().get("m").keySet()));
        assertEquals(List.of("bias", "embedding"), List.copyOf(muon.state().get("v").keySet()));
        each.forEach((name, optimizer) -> optimizer.state().forEach((kind, tensors) -> {
            if (!tensors.isEmpty()) {
                assertTrue(tensors.get(name).sameAs(muon.state().get(kind).get(name)), name + " " + kind);
            }
        }));
    }

    private Map<String, Parameter> embeddingAndBias() {
        Map<String, Parameter> parameters = new LinkedHashMap<>();
        parameters.put("embedding", parameter(new double[] {1, 2, 3, 4, 5, 6}, 3, 2));
        parameters.put("bias", parameter(new double[] {1, 2}, 2));
        return parameters;
    }

    @Test
    void aGradientOfZerosMovesNothingButTheDecay() {
        Parameter w = parameter(new double[] {1, 2}, 1, 2);
        new Muon(Map.of("w", w), _ -> true, OPTIONS, 0.95).step(0.1);
        assertArrayEquals(new double[] {0.99, 1.98}, w.value().toDoubles(), 1e-15);
    }

    @Test
    void aMomentumOutsideItsRangeIsRefused() {
        assertTrue(assertThrows(UserError.class, () -> new Muon(Map.of(), _ -> true, OPTIONS, 1)).getMessage()
                .startsWith("momentum 1.0: must be in [0, 1)"));
    }
}
