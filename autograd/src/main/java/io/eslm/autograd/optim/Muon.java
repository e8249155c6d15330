// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.optim;

import io.eslm.autograd.Parameter;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Kernels;
import io.eslm.tensor.backend.Storage;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.stream.Stream;

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
 * values between about 0.7 and 1.2. With s = min(n, m), that is 5·(2·s²·max(n, m) + s³) multiply-adds a step, whatever the batch.
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

    private final AdamWOptions options;
    private final double momentum;
    private final Map<String, Tensor> first;
    private final Map<String, Tensor> second = new LinkedHashMap<>();
    /** B of each matrix, and its place among the parameters. */
    private final List<Tensor> velocities = new ArrayList<>();
    private final int[] places;
    private final Others others;
    private final Tensor sumOfSquares;
    /** X, its next value, A, and b·A + c·A²: room for the largest matrix. */
    private final Storage[] room;

    /** What AdamW updates: the arguments of its kernel, and the place of each among the parameters. */
    private record Others(int[] places, Storage[] values, Storage[] gradients, Storage[] m, Storage[] v, int[] sizes,
            boolean[] decays) {
        void take(Storage[] allValues, Storage[] allGradients) {
            for (int i = 0; i < places.length; i++) {
                values[i] = allValues[places[i]];
                gradients[i] = allGradients[places[i]];
            }
        }
    }

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
        this.options = options;
        this.momentum = momentum;
        first = newState();
        List<Tensor> all = List.copyOf(first.values());
        List<Tensor> m = new ArrayList<>();
        first.forEach((name, moment) -> {
            if (moment.rank() == 2 && matrices.test(name)) {
                velocities.add(moment);
            } else {
                m.add(moment);
                second.put(name, zeros(moment, moment.shape().dims()));
            }
        });
        places = velocities.stream().mapToInt(all::indexOf).toArray();
        others = others(all, m);
        sumOfSquares = all.isEmpty() ? null : zeros(all.getFirst(), 1);
        room = velocities.isEmpty() ? new Storage[0] : room();
    }

    private Others others(List<Tensor> all, List<Tensor> m) {
        boolean[] decays = new boolean[m.size()];
        for (int i = 0; i < decays.length; i++) {
            decays[i] = m.get(i).rank() >= 2;
        }
        return new Others(m.stream().mapToInt(all::indexOf).toArray(), new Storage[m.size()], new Storage[m.size()],
                storages(m), storages(second.values()), m.stream().mapToInt(Tensor::size).toArray(), decays);
    }

    private Storage[] room() {
        int size = velocities.stream().mapToInt(Tensor::size).max().orElse(0);
        int side = velocities.stream().mapToInt(w -> Math.min(w.dim(0), w.dim(1))).max().orElse(0);
        return Stream.of(size, size, side * side, side * side).map(n -> zeros(velocities.getFirst(), n).storage())
                .toArray(Storage[]::new);
    }

    private static Tensor zeros(Tensor like, int... dims) {
        return Tensor.zeros(like.backend(), like.dtype(), dims);
    }

    /** {@inheritDoc} "m" has B of the matrices and m of the others, "v" has v of the others. */
    @Override
    public Map<String, Map<String, Tensor>> state() {
        return byKind("m", first, "v", second);
    }

    @Override
    protected void update(Kernels kernels, Storage[] values, Storage[] gradients, int[] sizes, double learningRate,
            double gradientScale) {
        for (int i = 0; i < velocities.size(); i++) {
            int t = places[i];
            Tensor velocity = velocities.get(i);
            Storage b = velocity.storage();
            int size = sizes[t];
            kernels.axpby(b, gradients[t], size, gradientScale, momentum);
            kernels.copy(room[0], b, size);
            kernels.axpby(room[0], gradients[t], size, gradientScale, momentum);
            Storage o = orthogonal(kernels, velocity.dim(0), velocity.dim(1));
            double scale = 0.2 * Math.sqrt(Math.max(velocity.dim(0), velocity.dim(1)));
            kernels.axpby(values[t], o, size, -learningRate * scale, 1 - learningRate * options.weightDecay());
        }
        if (others.places.length > 0) {
            others.take(values, gradients);
            double correction1 = 1 - Math.pow(options.beta1(), stepCount());
            double correction2 = 1 - Math.pow(options.beta2(), stepCount());
            kernels.adamW(others.values, others.gradients, others.m, others.v, others.sizes, others.decays,
                    learningRate, options.beta1(), options.beta2(), options.eps(), options.weightDecay(), correction1,
                    correction2, gradientScale);
        }
    }

    /** O of the matrix (rows, cols) in {@code room[0]}; returns the storage that has it. */
    private Storage orthogonal(Kernels kernels, int rows, int cols) {
        Storage x = room[0];
        Storage next = room[1];
        Storage a = room[2];
        Storage b = room[3];
        int size = rows * cols;
        boolean wide = rows <= cols;
        int side = Math.min(rows, cols);
        int length = Math.max(rows, cols);
        kernels.fill(sumOfSquares.storage(), 1, 0);
        kernels.addSumOfSquares(sumOfSquares.storage(), new Storage[] {x}, new int[] {size});
        double norm = Math.sqrt(sumOfSquares.toDoubles()[0]);
        kernels.axpby(x, x, size, 1 / Math.max(norm, SMALLEST), 0);
        for (int i = 0; i < ITERATIONS; i++) {
            kernels.matmul(a, x, x, side, length, side, !wide, wide, false);
            kernels.matmul(b, a, a, side, side, side, false, false, false);
            kernels.axpby(b, a, side * side, B, C);
            if (wide) {
                kernels.matmul(next, b, x, rows, rows, cols, false, false, false);
            } else {
                kernels.matmul(next, x, b, rows, cols, cols, false, false, false);
            }
            kernels.axpby(next, x, size, A, 1);
            Storage last = x;
            x = next;
            next = last;
        }
        return x;
    }
}
