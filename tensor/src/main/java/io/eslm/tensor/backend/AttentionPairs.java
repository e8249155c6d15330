// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend;

/** Counts the pairs of a query and a key that attention computes, where not every query sees all positions up to its own. */
final class AttentionPairs {
    private AttentionPairs() {
    }

    /**
     * Counts {@code each} multiply-adds for each pair: of the queries {@code rows}, all where null, with the keys from {@code starts},
     * 0 where null, up to their own position. Checks both on the way; rows that a device has, when their work is asked for.
     */
    static void add(KernelBase kernels, String kernel, long each, Storage rows, int count, Storage starts, int batch,
            int time) {
        if (rows != null && starts == null && kernels instanceof DeviceKernels device) {
            device.countLater(rows, count, read -> each * count(kernel, read, count, null, batch, time));
        } else {
            HeapStorage queries = rows == null ? null : kernels.onHost(rows, count);
            HeapStorage first = starts == null ? null : checked(kernels, kernel, starts, batch * time, time);
            kernels.flops().add(each * count(kernel, queries, count, first, batch, time));
        }
    }

    private static long count(String kernel, HeapStorage queries, int count, HeapStorage first, int batch, int time) {
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

    private static HeapStorage checked(KernelBase kernels, String kernel, Storage starts, int rows, int time) {
        KernelBase.ints(kernel, "starts", rows, starts);
        HeapStorage all = kernels.onHost(starts, rows);
        for (int row = 0; row < rows; row++) {
            int least = row % time == 0 ? 0 : (int) all.get(row - 1);
            int start = (int) all.get(row);
            if (start < least || start > row % time) {
                throw new IndexOutOfBoundsException("kernel " + kernel + ": starts[" + row + "] is " + start
                        + ", which is outside [" + least + ", " + (row % time + 1) + ")");
            }
        }
        return all;
    }
}
