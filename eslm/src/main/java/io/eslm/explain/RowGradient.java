// SPDX-License-Identifier: Apache-2.0
package io.eslm.explain;

import java.util.List;

/**
 * One row g of the gradient of a parameter, before clipping, as a sum over the places where the step used the parameter:
 * g = Σ_i vector_i. Each term is exact: it is the outer product that the backward pass adds up, of one token in one op.
 *
 * @param parameter its name in a checkpoint
 * @param gradient g as the backward pass computed it, in single precision
 * @param terms the largest share of g first
 */
public record RowGradient(String parameter, int row, float[] gradient, List<Term> terms) {
    /**
     * What one token adds in one op.
     *
     * @param token index in {@link Explanation#tokens}
     * @param op index in {@link Explanation#ops}
     * @param vector what it adds, like g
     * @param share vector·g / g·g: the shares of all terms add up to 1; a negative one works against the sum
     */
    public record Term(int token, int op, double[] vector, double share) {
        /** Length of the vector. */
        public double norm() {
            return RowGradient.norm(vector);
        }
    }

    /** Length of g. */
    public double norm() {
        double[] wide = new double[gradient.length];
        for (int i = 0; i < wide.length; i++) {
            wide[i] = gradient[i];
        }
        return norm(wide);
    }

    /** Length of g − Σ vector_i: what rounding leaves. */
    public double rest() {
        double[] rest = new double[gradient.length];
        for (int i = 0; i < rest.length; i++) {
            rest[i] = gradient[i];
        }
        for (Term t : terms) {
            for (int i = 0; i < rest.length; i++) {
                rest[i] -= t.vector[i];
            }
        }
        return norm(rest);
    }

    static double norm(double[] v) {
        double sum = 0;
        for (double x : v) {
            sum += x * x;
        }
        return Math.sqrt(sum);
    }
}
