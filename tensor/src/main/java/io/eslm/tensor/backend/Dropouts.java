// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend;

/**
 * Which elements dropout keeps: a hash of (seed, index), so that the forward and backward pass agree without a stored
 * mask, on every backend.
 */
public final class Dropouts {
    private Dropouts() {
    }

    /** A bijection of the ints with good avalanche (two xor-shift-multiply rounds). */
    public static int mix(int z) {
        z = (z ^ (z >>> 16)) * 0x7feb352d;
        z = (z ^ (z >>> 15)) * 0x846ca68b;
        return z ^ (z >>> 16);
    }

    /** The 24-bit threshold below which a hash drops its element: ⌊p·2²⁴⌋. */
    public static int threshold(double p) {
        return (int) (p * 0x1p24);
    }

    /** True if element {@code index} survives dropout at rate {@code p}. */
    public static boolean keeps(int seed, int index, double p) {
        return mix(mix(index + 0x9E3779B9) ^ seed) >>> 8 >= threshold(p);
    }
}
