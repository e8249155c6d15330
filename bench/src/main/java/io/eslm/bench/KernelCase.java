// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench;

/**
 * One kernel at one size.
 *
 * @param flops useful multiply-adds, counted as two, of one run; 0 where the memory is the limit
 * @param bytes minimum number of bytes on the memory bus per run; 0 where arithmetic is the limit. A write without a read
 *        counts twice, because the processor fetches the line first and Java has no non-temporal store
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
