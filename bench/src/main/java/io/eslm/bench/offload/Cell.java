// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench.offload;

/**
 * A kernel of one size on one engine.
 *
 * @param seconds with the operands in place
 * @param copied seconds with their copies there and the result's copy back; null where the operands are Java's arrays, and
 *        nothing is copied
 * @param first seconds of the first call of this kernel on this engine in this program, at its smallest size, where a device
 *        translates the kernel; NaN at other sizes
 * @param operations of its equation
 * @param bytes of its arrays, each touched once
 * @param allocated heap bytes per call
 * @param joules per call; NaN if the machine does not tell
 */
record Cell(String kernel, int side, String engine, Estimate seconds, Estimate copied, double first, double operations,
        double bytes, double allocated, double joules) {
    double gflops() {
        return operations / seconds.mean() * 1e-9;
    }

    double gigabytesPerSecond() {
        return bytes / seconds.mean() * 1e-9;
    }

    /** The least time under the roof as a share of the time; above 1 where caches serve what the roof takes from memory. */
    double share(Roof roof) {
        return roof.seconds(operations, bytes) / seconds.mean();
    }
}
