// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench.offload;

import io.eslm.tensor.DType;
import io.eslm.tensor.backend.Backend;
import java.util.stream.IntStream;

/**
 * How far a result is from what it should be.
 *
 * @param reference {@link #DEFINITION}, or the engine it is compared with where the definition would take too long
 * @param error the largest one, as a share of what rounding allows: two roundings of 2⁻²⁴ of the largest element for each term of
 *        a sum of side terms, at least 512. At most 1 is right; infinite if a value is not a number
 */
record Agreement(String kernel, int side, String engine, String reference, double error) {
    static final String DEFINITION = "definition in double";
    /** The definition does about 10⁹ in a second. */
    private static final double MOST_OPERATIONS = 4e8;
    private static final int LEAST_TERMS = 512;

    /** What a result is compared with, and whose it is. */
    record Reference(String name, double[] values) {
    }

    boolean isRight() {
        return error <= 1;
    }

    static Agreement of(OffloadCase c, int side, String engine, float[] result, Reference reference) {
        return new Agreement(c.name(), side, engine, reference.name, error(reference.values, result, side));
    }

    /** True if the definition takes less than about a second. */
    static boolean canDefine(OffloadCase c, int side) {
        return c.operations().applyAsDouble(side) <= MOST_OPERATIONS;
    }

    /** The result of the scalar backend in double. */
    static double[] definition(OffloadCase c, int side, float[] values, Backend scalar) {
        Operands there = new Operands(scalar, DType.F64, values, side);
        c.work().run(scalar.kernels(), there, side);
        double[] result = new double[c.y().applyAsInt(side)];
        scalar.read(there.y(), result, 0, result.length);
        return result;
    }

    static double[] wide(float[] values) {
        return IntStream.range(0, values.length).mapToDouble(i -> values[i]).toArray();
    }

    /** The largest error as a share of the bound. */
    static double error(double[] expected, float[] actual, int side) {
        double most = 0;
        double error = 0;
        for (int i = 0; i < expected.length; i++) {
            most = Math.max(most, Math.abs(expected[i]));
            error = Math.max(error, Math.abs(actual[i] - expected[i]));
        }
        double bound = 0x1p-23 * Math.max(side, LEAST_TERMS) * most;
        return error == 0 ? 0 : Double.isNaN(error / bound) ? Double.POSITIVE_INFINITY : error / bound;
    }
}
