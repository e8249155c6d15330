// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.tornado;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.WorkerGrid;
import uk.ac.manchester.tornado.api.enums.DataTransferMode;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** A kernel, with its operands in certain arrays, as a task graph of its own, with arrays of its own for its arguments. */
final class Single {
    private final DeviceGraph graph;
    private final WorkerGrid grid;
    private final IntArray control = new IntArray(Control.INTS);
    private final FloatArray scalars = new FloatArray(Control.FLOATS);

    /** For {@code work} and all of its {@link Work#kind}. */
    Single(Resident resident, String name, Work work) {
        FloatArray[] operands = resident.operands(work);
        List<FloatArray> used = Arrays.asList(operands);
        IntArray base = new IntArray(2);
        TaskGraph tasks = resident.graph(name, used).transferToDevice(DataTransferMode.FIRST_EXECUTION, base)
                .transferToDevice(work.hasScalars ? DataTransferMode.EVERY_EXECUTION : DataTransferMode.FIRST_EXECUTION,
                        scalars)
                .transferToDevice(DataTransferMode.EVERY_EXECUTION, control);
        DeviceKernel kernel = work.kernel();
        grid = resident.grid(tasks, "t", kernel.localX, kernel.localY);
        kernel.code.adder().add(tasks, "t",
                new KernelCode.Arguments(resident.context, operands, resident.ints, base, control,
                        scalars));
        graph = new DeviceGraph(resident, tasks, used);
    }

    /** Runs {@code work} after everything that was started, and waits for it. */
    void run(Work work, int ticket) {
        work.setGrid(grid);
        work.arguments[0] = ticket;
        MemorySegment.copy(work.arguments, 0, control.getSegment(), ValueLayout.JAVA_INT, 0, work.count);
        if (work.hasScalars) {
            MemorySegment.copy(work.scalars, 0, scalars.getSegment(), ValueLayout.JAVA_FLOAT, 0, work.scalars.length);
        }
        graph.start();
        graph.await();
    }
}
