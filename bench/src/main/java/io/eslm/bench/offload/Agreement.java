// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench.offload;

import io.eslm.tensor.DType;
import io.eslm.tensor.backend.Backend;
import java.util.ArrayList;
import java.util.List;

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

    boolean isRight() {
        return error <= 1;
    }

    /**
     * Compares the first call of every engine.
     *
     * @param definition the scalar backend
     * @param jobs of {@code engines}, each called once
     */
    static List<Agreement> of(OffloadCase c, int side, float[] values, Backend definition, List<Engine> engines,
            List<Engine.Job> jobs) {
        List<Agreement> all = new ArrayList<>();
        double[] expected;
        String reference = DEFINITION;
        if (c.operations().applyAsDouble(side) <= MOST_OPERATIONS) {
            expected = definition(c, side, values, definition);
        } else {
            expected = wide(jobs.getFirst().result());
            reference = engines.getFirst().name();
        }
        for (int i = reference.equals(DEFINITION) ? 0 : 1; i < jobs.size(); i++) {
            all.add(new Agreement(c.name(), side, engines.get(i).name(), reference,
                    error(expected, jobs.get(i).result(), side)));
        }
        return all;
    }

    private static double[] definition(OffloadCase c, int side, float[] values, Backend scalar) {
        Operands there = new Operands(scalar, DType.F64, values, side);
        c.work().run(scalar.kernels(), there, side);
        double[] result = new double[c.y().applyAsInt(side)];
        scalar.read(there.y(), result, 0, result.length);
        return result;
    }

    private static double[] wide(float[] values) {
        double[] wide = new double[values.length];
        for (int i = 0; i < wide.length; i++) {
            wide[i] = values[i];
        }
        return wide;
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
