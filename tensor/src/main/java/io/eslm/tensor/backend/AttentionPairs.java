// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend;

/** Counts the pairs of a query and a key that attention computes, where not every query sees all positions up to its own. */
final class AttentionPairs {
    private AttentionPairs() {
    }

    /**
     * Counts {@code each} multiply-adds for each pair: of the queries {@code rows}, all where null, with the keys from {@code starts},
     * 0 where null, up to their own position. Checks both on the way; what a device has, when its work is asked for.
     */
    static void add(KernelBase kernels, String kernel, long each, Storage rows, int count, Storage starts, int batch,
            int time) {
        if (starts != null) {
            KernelBase.ints(kernel, "starts", (long) batch * time, starts);
        }
        if (kernels instanceof DeviceKernels device) {
            device.countLater(new Storage[] {rows, starts},
                    new int[] {rows == null ? 0 : count, starts == null ? 0 : batch * time},
                    read -> each * count(kernel, read[0], count, read[1], batch, time));
        } else {
            kernels.flops().add(each * count(kernel, rows == null ? null : kernels.onHost(rows, count), count,
                    starts == null ? null : kernels.onHost(starts, batch * time), batch, time));
        }
    }

    private static long count(String kernel, HeapStorage queries, int count, HeapStorage first, int batch, int time) {
        if (first != null) {
            check(kernel, first, batch * time, time);
        }
        if (queries != null) {
            KernelBase.ids(kernel, "rows", queries, count, batch * time);
        }
        long pairs = 0;
        for (int i = 0; i < count; i++) {
            int row = queries == null ? i : (int) queries.get(i);
            pairs += row % time + 1 - Definitions.first(first, row);
        }
        return pairs;
    }

    private static void check(String kernel, HeapStorage starts, int rows, int time) {
        for (int row = 0; row < rows; row++) {
            int least = row % time == 0 ? 0 : (int) starts.get(row - 1);
            int start = (int) starts.get(row);
            if (start < least || start > row % time) {
                throw new IndexOutOfBoundsException("kernel " + kernel + ": starts[" + row + "] is " + start
                        + ", which is outside [" + least + ", " + (row % time + 1) + ")");
            }
        }
    }
}
