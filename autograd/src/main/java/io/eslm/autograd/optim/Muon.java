// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.optim;

import io.eslm.autograd.Parameter;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Kernels;
import io.eslm.tensor.backend.Storage;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.stream.IntStream;

/**
 * Momentum that is made orthogonal, for matrices (Jordan et al. 2024, "Muon"), and {@link AdamW} for all other parameters. For a
 * matrix W (n, m) with gradient G:
 *
 * <pre>
 * B = μ·B + G,   U = G + μ·B,   O ≈ (U·Uᵀ)^(−1/2)·U,   W = W·(1 − lr·decay) − lr·0.2·√max(n, m)·O
 * </pre>
 *
 * The factor gives the update the root mean square that AdamW's has (Liu et al. 2025, "Muon is scalable for LLM training"), so one
 * learning rate and one decay serve both.
 *
 * <p>O keeps the singular vectors of U and has singular values near 1. Newton–Schulz finds it with products alone: from
 * X = U/‖U‖, five times X = a·X + (b·A + c·A²)·X with A = X·Xᵀ and (a, b, c) = (3.4445, −4.7750, 2.0315), which leaves the singular
 * values between about 0.7 and 1.2. With s = min(n, m) and l = max(n, m), that is 5·(2·s²·l + s³) multiply-adds a step, whatever
 * the batch.
 *
 * <p>Where l is more than 1.5·s, the iteration runs on A alone, which is square (Zhang et al. 2026, "Gram Newton-Schulz"): with
 * Q = a·I + b·A + c·A², X becomes Q·X and A becomes Q·A·Q, so O is the product of the five Q, times X. That is 2·s²·l + 17·s³
 * multiply-adds, 0.56 of the others at l = 4·s. In exact arithmetic both are the same. In float32 O differs by less than 1e-4 of its
 * norm, up to 768 × 3,072 and for gradients of low rank. Where products round their factors, to bfloat16 for example, A gets
 * eigenvalues below 0, and O can come out 1.7 times too large: there, X itself is iterated, which stays within a hundredth.
 *
 * <p>It waits for ‖U‖ once per matrix.
 */
public final class Muon extends Optimizer {
    private static final int ITERATIONS = 5;
    private static final double A = 3.4445;
    private static final double B = -4.7750;
    private static final double C = 2.0315;
    /** Least norm to divide by, as in PyTorch, for gradients of zeros. */
    private static final double SMALLEST = 1e-7;

    private final double weightDecay;
    private final double momentum;
    /** B of parameter t if it is a matrix, else null. */
    private final Tensor[] velocities;
    /** Of all that is no matrix. */
    private final AdamW rest;
    private final Map<String, Map<String, Tensor>> state;
    private final Tensor sumOfSquares;
    /** Room for the largest matrix: two of its size, and five squares of its smaller side. */
    private final Storage[] room;

    /**
     * An optimizer of {@code parameters}, by name.
     *
     * @param matrices which of those of rank 2 take momentum that is made orthogonal: the weights of layers, but no embedding and no
     *        head
     * @param options AdamW's; the decay holds for the matrices too
     * @param momentum μ, in [0, 1)
     * @throws UserError if the momentum is outside its range
     */
    public Muon(Map<String, Parameter> parameters, Predicate<String> matrices, AdamWOptions options, double momentum) {
        super(parameters);
        UserError.check(momentum >= 0 && momentum < 1, "momentum %s: must be in [0, 1)", momentum);
        this.momentum = momentum;
        weightDecay = options.weightDecay();
        Map<String, Tensor> first = new LinkedHashMap<>();
        Map<String, Parameter> others = new LinkedHashMap<>();
        List<Tensor> found = new ArrayList<>();
        parameters.forEach((name, p) -> {
            if (p.needsGradient()) {
                boolean matrix = p.value().rank() == 2 && matrices.test(name);
                found.add(matrix ? zerosLike(p.value(), p.shape().dims()) : null);
                first.put(name, found.getLast());
                if (!matrix) {
                    others.put(name, p);
                }
            }
        });
        velocities = found.toArray(Tensor[]::new);
        rest = new AdamW(others, options);
        first.putAll(rest.state().get("m"));
        state = new TreeMap<>(Map.of("m", first, "v", rest.state().get("v")));
        List<Tensor> all = found.stream().filter(Objects::nonNull).toList();
        sumOfSquares = all.isEmpty() ? null : zerosLike(all.getFirst(), 1);
        int size = all.stream().mapToInt(Tensor::size).max().orElse(0);
        int square = all.stream().mapToInt(w -> Math.min(w.dim(0), w.dim(1))).map(side -> side * side).max().orElse(0);
        room = all.isEmpty() ? null
                : IntStream.concat(IntStream.of(size, size), IntStream.generate(() -> square).limit(5))
                        .mapToObj(n -> zerosLike(all.getFirst(), n).storage()).toArray(Storage[]::new);
    }

    /** {@inheritDoc} "m" has B of the matrices and m of the others, "v" has v of the others. */
    @Override
    public Map<String, Map<String, Tensor>> state() {
        return Collections.unmodifiableMap(state);
    }

    @Override
    protected void update(Kernels kernels, Storage[] values, Storage[] gradients, int[] sizes, double learningRate,
            double gradientScale) {
        for (int t = 0; t < velocities.length; t++) {
            if (velocities[t] != null) {
                int rows = velocities[t].dim(0);
                int cols = velocities[t].dim(1);
                Storage b = velocities[t].storage();
                kernels.axpby(b, gradients[t], sizes[t], gradientScale, momentum);
                kernels.copy(room[0], b, sizes[t]);
                kernels.axpby(room[0], gradients[t], sizes[t], gradientScale, momentum);
                double scale = 0.2 * Math.sqrt(Math.max(rows, cols));
                kernels.axpby(values[t], orthogonal(kernels, rows, cols), sizes[t], -learningRate * scale,
                        1 - learningRate * weightDecay);
            }
        }
        rest.restoreStepCount(stepCount() - 1);
        rest.step(learningRate, gradientScale);
    }

    /** Multiply-adds to update a matrix (rows, cols) once, where products do not round their factors. */
    public static long multiplyAdds(int rows, int cols) {
        long side = Math.min(rows, cols);
        long gram = side * side * Math.max(rows, cols);
        return isLong(rows, cols) ? 2 * gram + 17 * side * side * side : ITERATIONS * (2 * gram + side * side * side);
    }

    /** True if it pays to iterate the square alone. */
    private static boolean isLong(int rows, int cols) {
        return Math.max(rows, cols) > 1.5 * Math.min(rows, cols);
    }

    /** O of the matrix (rows, cols) in {@code room[0]}; returns the storage that has it. */
    private Storage orthogonal(Kernels kernels, int rows, int cols) {
        Storage x = room[0];
        int size = rows * cols;
        kernels.fill(sumOfSquares.storage(), 1, 0);
        kernels.addSumOfSquares(sumOfSquares.storage(), new Storage[] {x}, new int[] {size});
        double norm = Math.sqrt(sumOfSquares.toDoubles()[0]);
        kernels.axpby(x, x, size, 1 / Math.max(norm, SMALLEST), 0);
        return isLong(rows, cols) && !sumOfSquares.backend().roundsFactors()
                ? bySquares(kernels, rows, cols)
                : byItself(kernels, rows, cols);
    }

    /** The definition: X = a·X + (b·A + c·A²)·X, five times. */
    private Storage byItself(Kernels kernels, int rows, int cols) {
        Storage x = room[0];
        Storage next = room[1];
        Storage h = room[3];
        for (int i = 0; i < ITERATIONS; i++) {
            gram(kernels, room[2], x, rows, cols);
            polynomial(kernels, h, room[2], Math.min(rows, cols));
            times(kernels, next, A, h, x, rows, cols);
            Storage last = x;
            x = next;
            next = last;
        }
        return x;
    }

    /** The same for a long matrix: O = P·X with P = α·I + E, which starts as Q and becomes Q·P while A becomes Q·A·Q. */
    private Storage bySquares(Kernels kernels, int rows, int cols) {
        int side = Math.min(rows, cols);
        Storage a = room[2];
        Storage h = room[3];
        Storage e = room[4];
        Storage next = room[5];
        Storage qa = room[6];
        gram(kernels, a, room[0], rows, cols);
        polynomial(kernels, e, a, side);
        kernels.copy(h, e, side * side);
        double alpha = A;
        for (int i = 1; i < ITERATIONS; i++) {
            times(kernels, qa, A, h, a, side, side);
            times(kernels, a, A, h, qa, side, side);
            polynomial(kernels, h, a, side);
            times(kernels, next, A, h, e, side, side);
            kernels.axpby(next, h, side * side, alpha, 1);
            alpha *= A;
            Storage last = e;
            e = next;
            next = last;
        }
        times(kernels, room[1], alpha, e, room[0], rows, cols);
        return room[1];
    }

    /** A = X·Xᵀ, or Xᵀ·X of a tall X, for X (rows, cols). */
    private static void gram(Kernels kernels, Storage a, Storage x, int rows, int cols) {
        boolean wide = rows <= cols;
        int side = Math.min(rows, cols);
        kernels.matmul(a, x, x, side, Math.max(rows, cols), side, !wide, wide, false);
    }

    /** H = b·A + c·A², for A (side, side). */
    private static void polynomial(Kernels kernels, Storage h, Storage a, int side) {
        kernels.matmul(h, a, a, side, side, side, false, false, false);
        kernels.axpby(h, a, side * side, B, C);
    }

    /** Y = (α·I + H)·X, or X·(α·I + H) of a tall X, for X (rows, cols). */
    private static void times(Kernels kernels, Storage y, double alpha, Storage h, Storage x, int rows, int cols) {
        if (rows <= cols) {
            kernels.matmul(y, h, x, rows, rows, cols, false, false, false);
        } else {
            kernels.matmul(y, x, h, rows, cols, cols, false, false, false);
        }
        kernels.axpby(y, x, rows * cols, alpha, 1);
    }
}
