// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.tornado;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.WorkerGrid;
import uk.ac.manchester.tornado.api.enums.DataTransferMode;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** Consecutive work of a {@link Program} as one task graph. Its tasks are told what to do by a page of the {@link Book}. */
final class ProgramPart {
    /** Tasks of one graph. TornadoVM has room for 8,192 bytes of task descriptions, and ours take 40 to 75. */
    static final int MOST_TASKS = 100;

    private final Device device;
    private final DeviceGraph graph;
    private final WorkerGrid[] grids;
    private final CudaStream.Queued[] products;
    /** Where what a copy brings is in a page, in ints; 0 for what is no copy. */
    private final int[] brought;
    private final boolean isLarge;

    /** Builds the graph of {@code name}; TornadoVM compiles it when it starts for the first time. */
    ProgramPart(Device device, Resident resident, String name, List<Work> work) {
        this.device = device;
        int n = work.size();
        grids = new WorkerGrid[n];
        products = new CudaStream.Queued[n];
        brought = new int[n];
        Set<FloatArray> used = Collections.newSetFromMap(new IdentityHashMap<>());
        for (Work w : work) {
            used.addAll(List.of(w.kernel() == null ? resident.floats : resident.operands(w)));
        }
        TaskGraph tasks =
                resident.graph(name, used).consumeFromDevice(Resident.FIRST, resident.book, resident.bookFloats);
        int copies = 0;
        for (int i = 0; i < n; i++) {
            Work w = work.get(i);
            if (w.kernel() == null) {
                addProduct(tasks, i, resident);
            } else {
                addKernel(tasks, i, resident, w);
                brought[i] = w.isCopy() ? Book.TOLD + Device.SMALL * copies++ : 0;
            }
        }
        isLarge = copies > 0;
        graph = new DeviceGraph(resident, tasks.persistOnDevice(resident.book, resident.bookFloats), used);
    }

    private void addProduct(TaskGraph tasks, int i, Resident all) {
        CudaStream.Queued product = new CudaStream.Queued(device.cuBlas());
        tasks.libraryTask("t" + i, (f, j) -> CudaStream.task(product, f, j), all.floats[0], all.ints);
        products[i] = product;
    }

    private void addKernel(TaskGraph tasks, int i, Resident all, Work w) {
        DeviceKernel kernel = w.kernel();
        grids[i] = all.grid(tasks, "t" + i, kernel.localX, kernel.localY);
        IntArray base = IntArray.fromElements(arguments(i), w.isCopy() ? 0 : scalars(i));
        tasks.transferToDevice(DataTransferMode.FIRST_EXECUTION, base);
        kernel.code.adder().add(tasks, "t" + i, new KernelCode.Arguments(all.context, all.operands(w), all.ints, base,
                all.book, all.bookFloats));
    }

    private static int arguments(int i) {
        return i * (Control.INTS + Control.FLOATS);
    }

    private static int scalars(int i) {
        return arguments(i) + Control.INTS;
    }

    /** How many elements from {@code from} on make one part. */
    static int size(List<Work> work, int from) {
        int copies = 0;
        int to = from;
        while (to < work.size() && to - from < MOST_TASKS && copies <= Book.COPIES) {
            copies += work.get(to++).isCopy() ? 1 : 0;
        }
        return to - from - (copies > Book.COPIES ? 1 : 0);
    }

    int size() {
        return grids.length;
    }

    /** Starts the work from element {@code from} on, after everything that was started. */
    void start(List<Work> work, int from) {
        Book.Page page = device.page(isLarge);
        MemorySegment told = page.segment();
        for (int i = 0; i < grids.length; i++) {
            Work w = work.get(from + i);
            if (w.kernel() == null) {
                products[i].product = w.product;
                continue;
            }
            w.setGrid(grids[i]);
            w.arguments[0] = device.nextTicket();
            if (w.isCopy()) {
                w.arguments[3] = brought[i];
                w.count = 4;
                MemorySegment.copy(w.brought, 0, told, (long) Integer.BYTES * brought[i],
                        (long) Integer.BYTES * w.arguments[2]);
            } else if (w.hasScalars) {
                MemorySegment.copy(w.scalars, 0, told, ValueLayout.JAVA_FLOAT, (long) Integer.BYTES * scalars(i),
                        w.scalars.length);
            }
            MemorySegment.copy(w.arguments, 0, told, ValueLayout.JAVA_INT, (long) Integer.BYTES * arguments(i),
                    w.count);
        }
        page.open();
        graph.start();
    }

    void await() {
        graph.await();
    }
}
