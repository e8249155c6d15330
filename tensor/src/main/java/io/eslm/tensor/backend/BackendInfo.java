// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend;

/** What a {@link Backend} says about itself and its machine: for people, records and measurements. Nothing here computes. */
public interface BackendInfo {
    /** Short name, by which {@link Backends#open} finds it: "scalar", "vector", "tornado". */
    String name();

    /** What it runs on, for people: vector width, threads, device. */
    String description();

    /** Width of the vectors that kernels compute with, in bits; 0 for plain loops. */
    default int vectorBits() {
        return 0;
    }

    /** Names all that the last bits of results depend on: where the names are equal, so are the bits. */
    default String arithmetic() {
        return name();
    }

    /** FLOP/s of {@link #measurePeak}, now or not long ago on this machine. NaN if unknown. */
    default double peakFlops() {
        return Double.NaN;
    }

    /** Measures the peak now, in well under a second on a machine that is not overloaded. */
    default Peak measurePeak() {
        return Peak.unknown();
    }

    /** Bytes that all storages together may take; the JVM's heap, for a backend without memory of its own. */
    default long memoryBytes() {
        return Runtime.getRuntime().maxMemory();
    }

    /** Bytes of each array that its memory consists of, where a storage must lie in one of them; empty where there are none. */
    default long[] arrays() {
        return new long[0];
    }

    /**
     * Bytes that the scores of attention take while it computes; 0 where they are never in memory all at once, as on the host.
     *
     * @param batch sequences
     * @param time tokens of each
     */
    default long scoreBytes(int batch, int time, int heads) {
        return 0;
    }

    /** True if products round their factors to fewer bits than float32 has (TF32, bfloat16), whatever memory holds. */
    default boolean roundsFactors() {
        return false;
    }

    /**
     * True if {@link Backend#read} waits for work that goes on without the host: then one read of much is better than many, and
     * {@link Backend#start} after each part of a step keeps the device busy.
     */
    default boolean runsAhead() {
        return false;
    }

    /** How many kernels and copies a device was given so far; 0 where a kernel is a plain call. */
    default long launches() {
        return 0;
    }

    /** How often the host has waited for a device so far; 0 where a kernel is a plain call. */
    default long waits() {
        return 0;
    }
}
