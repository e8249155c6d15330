// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.tornado;

import io.eslm.tensor.DType;
import io.eslm.tensor.backend.Storage;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The optimizer's passes over all tensors of a model, each in one launch for all that are in the same arrays, instead of one for each
 * tensor: GPT-2 has 148 tensors, and a launch costs the same for a bias of 768 as for the embedding. A table on the device gives each
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
        gradients.update(sizes, new boolean[sizes.length], xs);
        Storage sums = scratch.floats(2 * gradients.groups);
        for (Run run : gradients.runs) {
            run.call().from(sums, 2 * run.first).rows(DeviceKernel.SQUARES, run.count);
        }
        new Call(memory.device).with(y, sums).with(gradients.groups).rows(DeviceKernel.ADD_SQUARES, 1);
    }

    /**
     * Updates params, m and v from grads, tensor t having sizes[t] elements in each.
     *
     * @param decays which tensors decay
     * @param scalars as {@link Optimizers#adamW} names them
     */
    void adamW(Storage[] params, Storage[] grads, Storage[] m, Storage[] v, int[] sizes, boolean[] decays,
            double... scalars) {
        moments.update(sizes, decays, params, grads, m, v);
        for (Run run : moments.runs) {
            run.call().scalars(scalars).rows(DeviceKernel.ADAM_W, run.count);
        }
    }

    /** Workgroups of a table, one after the other, whose tensors are in the same arrays: one launch. */
    private final class Run {
        private final Table table;
        private final int[] arrays;
        private final int first;
        private int count;

        Run(Table table, int[] arrays, int first) {
            this.table = table;
            this.arrays = arrays;
            this.first = first;
        }

        /** With the place of its entries, and the arrays of its tensors. */
        Call call() {
            Call call = new Call(memory.device).ints(table.there, first * (Optimizers.HEAD + arrays.length));
            for (int array : arrays) {
                call.in(array);
            }
            return call;
        }
    }

    /** For each workgroup: how many elements, 1 if they are marked, and where they begin in each of the tensors. */
    private final class Table {
        private int[] entries = new int[0];
        /** The arrays of the tensors, tensor by tensor. */
        private int[] arrays = new int[0];
        private final List<Run> runs = new ArrayList<>();
        private int groups;
        private boolean changed;
        private DeviceStorage there;

        /** Puts this into the table, here and on the device. */
        void update(int[] sizes, boolean[] marks, Storage[]... tensors) {
            int width = Optimizers.HEAD + tensors.length;
            groups = 0;
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
            if (haveMoved(tensors) || changed) {
                findRuns(sizes, tensors.length);
            }
            if (changed) {
                memory.device.write(there, entries, 0, entries.length);
                changed = false;
            }
        }

        /** Notes the arrays of all tensors; true if one is in another than before. */
        private boolean haveMoved(Storage[][] tensors) {
            int n = tensors[0].length * tensors.length;
            boolean moved = arrays.length != n;
            arrays = moved ? new int[n] : arrays;
            for (int i = 0; i < n; i++) {
                int array = DeviceStorage.of(tensors[i % tensors.length][i / tensors.length]).array();
                moved |= arrays[i] != array;
                arrays[i] = array;
            }
            return moved;
        }

        private void findRuns(int[] sizes, int each) {
            runs.clear();
            int first = 0;
            for (int t = 0; t < sizes.length; t++) {
                if (sizes[t] == 0) {
                    continue;
                }
                int[] of = Arrays.copyOfRange(arrays, t * each, (t + 1) * each);
                if (runs.isEmpty() || !Arrays.equals(runs.getLast().arrays, of)) {
                    runs.add(new Run(this, of, first));
                }
                runs.getLast().count += parts(sizes[t]);
                first += parts(sizes[t]);
            }
        }

        private void set(int at, int value) {
            changed |= entries[at] != value;
            entries[at] = value;
        }
    }

    private static int parts(int size) {
        return (int) (((long) size + Optimizers.PART - 1) / Optimizers.PART);
    }
}
