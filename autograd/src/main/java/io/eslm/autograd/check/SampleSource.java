// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.check;

import io.eslm.tensor.DType;
import io.eslm.tensor.Rng;
import io.eslm.tensor.Shape;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.Backend;
import java.util.function.DoubleSupplier;

/**
 * Random tensors for {@link Sample}s, of one type, on one backend, from one seed. All values fit into floats, so that F32 and F64
 * samples are equal.
 */
public final class SampleSource {
    private final Backend backend;
    private final DType type;
    private final Rng rng;

    public SampleSource(Backend backend, DType type, Rng rng) {
        this.backend = backend;
        this.type = type;
        this.rng = rng;
    }

    /** Standard normal. */
    public Tensor normal(int... dims) {
        return fill(rng::nextGaussian, dims);
    }

    /** Uniform in [0.5, 2): for logarithms, roots and divisors. */
    public Tensor positive(int... dims) {
        return fill(() -> 0.5 + 1.5 * rng.nextDouble(), dims);
    }

    /** Normal, but at least 0.1 away from zero: for functions with a kink there. */
    public Tensor awayFromZero(int... dims) {
        return fill(() -> {
            double x = rng.nextGaussian();
            return x + Math.copySign(0.1, x);
        }, dims);
    }

    /** I32, uniform in [0, bound). */
    public Tensor ids(int bound, int... dims) {
        int[] values = new int[Shape.of(dims).size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = rng.nextInt(bound);
        }
        return Tensor.of(backend, values, dims);
    }

    /** I32, the given values. */
    public Tensor indices(int... values) {
        return Tensor.of(backend, values, values.length);
    }

    /** Rows (ids.size(), classes) of zeros with a one where {@code ids} says. */
    public Tensor oneHot(Tensor ids, int classes) {
        return Tensor.oneHot(backend, type, ids.toInts(), classes);
    }

    private Tensor fill(DoubleSupplier next, int... dims) {
        double[] values = new double[Shape.of(dims).size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) next.getAsDouble();
        }
        return Tensor.of(backend, type, values, dims);
    }
}
