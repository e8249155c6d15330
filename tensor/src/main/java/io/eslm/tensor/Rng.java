// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor;

import java.nio.charset.StandardCharsets;

/**
 * Seeded, splittable, savable random numbers: SplitMix64 (Steele, Lea, Flood, OOPSLA 2014). The whole state is one
 * long, {@link #state}; the same state gives the same numbers on every machine.
 */
public final class Rng {
    private static final long GAMMA = 0x9E3779B97F4A7C15L;
    private long state;

    private Rng(long state) {
        this.state = state;
    }

    public static Rng of(long seed) {
        return new Rng(mix(seed + GAMMA));
    }

    /** The generator whose {@link #state} was saved. */
    public static Rng restore(long state) {
        return new Rng(state);
    }

    public long state() {
        return state;
    }

    /** An independent generator for {@code purpose}; does not advance this one, so splits may come in any order. */
    public Rng split(String purpose) {
        long h = state;
        for (byte b : purpose.getBytes(StandardCharsets.UTF_8)) {
            h = mix(h ^ (b & 0xff)) + GAMMA;
        }
        return new Rng(mix(h));
    }

    /** The SplitMix64 output function: a bijection of the longs that looks random. */
    public static long mix(long z) {
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }

    public long nextLong() {
        state += GAMMA;
        return mix(state);
    }

    /** Uniform in [0, 1), 53 bits. */
    public double nextDouble() {
        return (nextLong() >>> 11) * 0x1p-53;
    }

    /** Uniform in [0, bound), unbiased (multiply-shift with rejection). */
    public int nextInt(int bound) {
        if (bound <= 0) {
            throw new IllegalArgumentException("nextInt: bound " + bound + " must be positive");
        }
        while (true) {
            long r = nextLong() >>> 32;
            long m = r * bound;
            if ((m & 0xffffffffL) >= (0x100000000L - bound) % bound) {
                return (int) (m >>> 32);
            }
        }
    }

    /** Standard normal (Box–Muller, the cosine half; two draws a number, so the state stays one long). */
    public double nextGaussian() {
        double u = 1.0 - nextDouble();
        return Math.sqrt(-2 * Math.log(u)) * Math.cos(2 * Math.PI * nextDouble());
    }
}
