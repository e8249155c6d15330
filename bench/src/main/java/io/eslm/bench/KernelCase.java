// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench;

/**
 * One kernel at one size.
 *
 * @param flops useful multiply-adds, counted as two, of one run; 0 where the memory is the limit
 * @param bytes that cross the memory bus in one run, at least; 0 where arithmetic is the limit. What is written without
 *        being read counts twice: the processor fetches a line before it writes to it, and Java has no store that
 *        spares it
 * @param run the kernel
 * @param error runs the kernel once and returns its largest error relative to the bound it must keep: 1 or less is right
 */
record KernelCase(String name, String shape, double flops, double bytes, Runnable run, Proof error) {
    /** The error of one run, as a share of its bound. */
    @FunctionalInterface
    interface Proof {
        double measure();
    }
}
