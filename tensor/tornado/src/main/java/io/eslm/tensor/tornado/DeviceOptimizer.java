// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.tornado;

import io.eslm.tensor.DType;
import io.eslm.tensor.backend.Storage;

/**
 * The optimizer's passes over all tensors of a model, each in one launch instead of one for each tensor: GPT-2 has 148
 * tensors, and a launch costs the same for a bias of 768 as for the embedding. A table on the device gives each
 * workgroup its elements; it is written again only when tensors have moved.
 */
final class DeviceOptimizer {
    private final DeviceMemory memory;
    private final Scratch scratch;
    private final Table gradients = new Table();
    private final Table moments = new Table();

    DeviceOptimizer(DeviceMemory memory, Scratch scratch) {
        this.memory = memory;
        this.scratch = scratch;
    }

    /**
     * {@link io.eslm.tensor.backend.Kernels#addSumOfSquares(Storage, Storage[], int[])}, with all sums but the last in
     * double.
     */
    void addSumOfSquares(Storage y, Storage[] xs, int[] sizes) {
        int groups = gradients.update(sizes, new boolean[sizes.length], xs);
        Storage sums = scratch.floats(2 * groups);
        new Call(memory.device).with(gradients.place(), sums).rows(DeviceKernel.SQUARES, groups);
        new Call(memory.device).with(y, sums).with(groups).rows(DeviceKernel.ADD_SQUARES, 1);
    }

    /**
     * Updates params, m and v from grads, tensor t having sizes[t] elements in each.
     *
     * @param decays which tensors decay
     * @param scalars as {@link Optimizers#adamW} names them
     */
    void adamW(Storage[] params, Storage[] grads, Storage[] m, Storage[] v, int[] sizes, boolean[] decays,
            double... scalars) {
        int groups = moments.update(sizes, decays, params, grads, m, v);
        new Call(memory.device).with(moments.place()).scalars(scalars).rows(DeviceKernel.ADAM_W, groups);
    }

    /** For each workgroup: how many elements, 1 if they are marked, and where they begin in each of the tensors. */
    private final class Table {
        private int[] entries = new int[0];
        private boolean changed;
        private DeviceStorage there;

        /** Puts this into the table, here and on the device; returns the number of workgroups. */
        int update(int[] sizes, boolean[] marks, Storage[]... tensors) {
            int width = Optimizers.HEAD + tensors.length;
            int groups = 0;
            for (int size : sizes) {
                groups += parts(size);
            }
            if (entries.length != groups * width) {
                there = null;
                there = memory.allocate(DType.I32, groups * width);
                entries = new int[groups * width]; // last: if there is no room, the next call tries again
                changed = true;
            }
            int at = 0;
            for (int t = 0; t < sizes.length; t++) {
                for (int part = 0; part < parts(sizes[t]); part++) {
                    int from = part * Optimizers.PART;
                    set(at++, Math.min(Optimizers.PART, sizes[t] - from));
                    set(at++, marks[t] ? 1 : 0);
                    for (Storage[] tensor : tensors) {
                        set(at++, DeviceStorage.of(tensor[t]).offset() + from);
                    }
                }
            }
            if (changed) {
                memory.device.write(there.offset(), entries, 0, entries.length);
                changed = false;
            }
            return groups;
        }

        private void set(int at, int value) {
            changed |= entries[at] != value;
            entries[at] = value;
        }

        Storage place() {
            return there;
        }
    }

    private static int parts(int size) {
        return (int) (((long) size + Optimizers.PART - 1) / Optimizers.PART);
    }
}
