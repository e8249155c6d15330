// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.eslm.gpt2.checkpoint.ModelFolder;
import io.eslm.tensor.DType;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import io.eslm.tensor.io.Safetensors;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.stream.Stream;

/** A folder of {@code golden/}: a model, and the values that Hugging Face computes from it in double precision. */
public final class Golden implements AutoCloseable {
    /**
     * Where and in what arithmetic we compute. The expected values are exact but for one rounding to float32, so a
     * difference is at most that (half a unit: 2⁻²⁴ of the value) plus our own rounding, relative to the largest element of
     * the tensor since sums cancel.
     *
     * @param forward our rounding in a forward pass
     * @param backward our rounding in a gradient
     */
    public record Precision(String backend, DType type, double forward, double backward) {
        /** Double: some hundred roundings of 2⁻⁵³ = 1e-16 along a path. */
        public static final Precision F64 = new Precision("scalar", DType.F64, 1e-14, 1e-14);
        /** Float: some hundred roundings of 2⁻²⁴ = 6e-8, which mostly cancel, so a tenth of their sum. */
        public static final Precision SCALAR = new Precision("scalar", DType.F32, 2e-6, 3e-6);
        public static final Precision VECTOR = new Precision("vector", DType.F32, 2e-6, 3e-6);
        public static final Precision TORNADO = new Precision("tornado", DType.F32, 2e-6, 3e-6);

        /** Every precision that this machine can compute; one that it cannot is reported. */
        public static Stream<Precision> usable() {
            return Stream.of(F64, SCALAR, VECTOR, TORNADO).filter(precision -> {
                String why = Backends.all().stream().filter(p -> p.name().equals(precision.backend)).findFirst()
                        .orElseThrow().unusableBecause();
                if (why != null) {
                    System.err.println("NOT TESTED: golden values on backend '" + precision.backend + "': " + why);
                }
                return why == null;
            });
        }

        @Override
        public String toString() {
            return backend + " " + type;
        }
    }

    private final Backend backend;
    private final Safetensors reference;
    private final Gpt2 model;

    public Golden(String name, Precision precision) {
        backend = Backends.open(precision.backend(), 2);
        reference = Safetensors.open(folder(name).resolve("reference.safetensors"));
        model = ModelFolder.load(folder(name), backend, precision.type());
    }

    public static Path folder(String name) {
        try {
            return Path.of(Golden.class.getResource("/golden/" + name).toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    public Gpt2 model() {
        return model;
    }

    public int[] ints(String name) {
        return reference.ints(name);
    }

    public double[] doubles(String name) {
        return reference.doubles(name);
    }

    public double setting(String name) {
        return Double.parseDouble(reference.metadata().get(name));
    }

    /** Dimension {@code axis} of a reference tensor. */
    public int dim(String name, int axis) {
        return reference.entry(name).shape().dim(axis);
    }

    /** Input token ids (B, T). */
    public Tensor ids() {
        return reference.tensor("input_ids", backend);
    }

    /** Target token ids (B·T). */
    public Tensor targets() {
        Tensor labels = reference.tensor("labels", backend);
        return labels.reshape(labels.size());
    }

    public void assertClose(String name, Tensor actual, double rounding) {
        assertClose(name, doubles(name), actual.toDoubles(), rounding);
    }

    /** |actual − expected| ≤ 2⁻²⁴·|expected| + rounding·max|expected| for each element. */
    public static void assertClose(String name, double[] expected, double[] actual, double rounding) {
        double largest = 0;
        for (double e : expected) {
            largest = Math.max(largest, Math.abs(e));
        }
        double[] tolerance = new double[expected.length];
        for (int i = 0; i < tolerance.length; i++) {
            tolerance[i] = 0x1p-24 * Math.abs(expected[i]) + rounding * largest;
        }
        assertClose(name, expected, actual, tolerance);
    }

    /** |actual − expected| ≤ tolerance for each element; a NaN is never close. */
    public static void assertClose(String name, double[] expected, double[] actual, double[] tolerance) {
        assertEquals(expected.length, actual.length, name + ": elements");
        int worst = -1;
        double excess = 1;
        for (int i = 0; i < expected.length; i++) {
            double error = Math.abs(actual[i] - expected[i]);
            if (!(error <= excess * tolerance[i])) {
                worst = i;
                excess = Double.isNaN(error) ? Double.POSITIVE_INFINITY : error / tolerance[i];
            }
        }
        if (worst >= 0) {
            throw new AssertionError("%s[%d]: expected %s, got %s, off by %.3g, tolerance %.3g".formatted(name, worst,
                    expected[worst], actual[worst], actual[worst] - expected[worst], tolerance[worst]));
        }
    }

    @Override
    public void close() {
        reference.close();
        backend.close();
    }
}
