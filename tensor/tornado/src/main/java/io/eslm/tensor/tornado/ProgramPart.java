// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.tornado;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import uk.ac.manchester.tornado.api.ImmutableTaskGraph;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.TornadoExecutionPlan;
import uk.ac.manchester.tornado.api.TornadoTaskGraphInterface;
import uk.ac.manchester.tornado.api.WorkerGrid;
import uk.ac.manchester.tornado.api.common.TornadoDevice;
import uk.ac.manchester.tornado.api.enums.DataTransferMode;
import uk.ac.manchester.tornado.api.runtime.ExecutorFrame;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** Consecutive work of a {@link Program} as one task graph; task i has its own control array and grid. */
final class ProgramPart {
    private final Device device;
    private final TornadoTaskGraphInterface graph;
    private final ExecutorFrame frame;
    private final IntArray[] controls;
    private final FloatArray[] scalars;
    private final WorkerGrid[] grids;
    private final FloatArray[] floats;
    private final IntArray[] ints;
    private final CudaStream.Queued[] products;

    /**
     * Builds the graph; TornadoVM compiles it when it starts for the first time.
     *
     * @param first the graph that made the arrays on the device; {@code plan} has run it
     */
    ProgramPart(Device device, Resident resident, TornadoDevice hardware, TornadoExecutionPlan plan,
            ImmutableTaskGraph first,
            String name, List<Work> work) {
        this.device = device;
        int n = work.size();
        controls = new IntArray[n];
        scalars = new FloatArray[n];
        grids = new WorkerGrid[n];
        floats = new FloatArray[n];
        ints = new IntArray[n];
        products = new CudaStream.Queued[n];
        FloatArray none = new FloatArray(Control.FLOATS);
        TaskGraph tasks = resident.graph(name).transferToDevice(DataTransferMode.FIRST_EXECUTION, none);
        for (int i = 0; i < n; i++) {
            Work w = work.get(i);
            String task = "t" + i;
            if (w.graph == Work.PRODUCT) {
                CudaStream.Queued product = new CudaStream.Queued(device.cuBlas());
                tasks.libraryTask(task, (f, j) -> CudaStream.task(product, f, j), resident.floats, resident.ints);
                products[i] = product;
                continue;
            }
            controls[i] = new IntArray(Control.INTS);
            tasks.transferToDevice(DataTransferMode.EVERY_EXECUTION, controls[i]);
            DeviceKernel kernel = Device.kernel(w.graph);
            if (kernel != null) {
                grids[i] = resident.grid(tasks, task, kernel.localX, kernel.localY);
                FloatArray values = none;
                if (w.hasScalars) {
                    values = scalars[i] = new FloatArray(Control.FLOATS);
                    tasks.transferToDevice(DataTransferMode.EVERY_EXECUTION, values);
                }
                tasks.task(task, kernel.body, resident.context, resident.floats, resident.ints, controls[i], values);
            } else if (w.floats != null) {
                grids[i] = resident.grid(tasks, task, Control.THREADS, 1);
                floats[i] = new FloatArray(w.floats.length);
                tasks.transferToDevice(DataTransferMode.EVERY_EXECUTION, floats[i]).task(task, Copies::writeFloats,
                        resident.context, resident.floats, resident.ints, controls[i], floats[i]);
            } else {
                grids[i] = resident.grid(tasks, task, Control.THREADS, 1);
                ints[i] = new IntArray(w.ints.length);
                tasks.transferToDevice(DataTransferMode.EVERY_EXECUTION, ints[i]).task(task, Copies::writeInts,
                        resident.context, resident.floats, resident.ints, controls[i], ints[i]);
            }
        }
        ImmutableTaskGraph whole = tasks.persistOnDevice(resident.floats, resident.ints).snapshot();
        // A plan of both tells the graph what it shares with the first; its own runs go through the frame of the device's plan.
        new TornadoExecutionPlan(first, whole).withDevice(hardware);
        graph = Internals.implementation(whole);
        graph.withGridScheduler(resident.grids);
        graph.setLastExecutedTaskGraph(Internals.implementation(first));
        frame = Internals.frame(plan);
    }

    int size() {
        return controls.length;
    }

    /** Starts the work from element {@code from} on, after everything that was started. */
    void start(List<Work> work, int from) {
        for (int i = 0; i < controls.length; i++) {
            Work w = work.get(from + i);
            if (w.graph == Work.PRODUCT) {
                products[i].product = w.product;
                continue;
            }
            grids[i].setGlobalWork(w.groupsX * grids[i].getLocalWork()[0], w.groupsY * grids[i].getLocalWork()[1],
                    w.groupsZ);
            w.arguments[0] = device.nextTicket();
            MemorySegment.copy(w.arguments, 0, controls[i].getSegment(), ValueLayout.JAVA_INT, 0, w.count);
            if (scalars[i] != null) {
                MemorySegment.copy(w.scalars, 0, scalars[i].getSegment(), ValueLayout.JAVA_FLOAT, 0, w.scalars.length);
            } else if (floats[i] != null) {
                MemorySegment.copy(w.floats, 0, floats[i].getSegment(), ValueLayout.JAVA_FLOAT, 0, w.arguments[2]);
            } else if (ints[i] != null) {
                MemorySegment.copy(w.ints, 0, ints[i].getSegment(), ValueLayout.JAVA_INT, 0, w.arguments[2]);
            }
        }
        graph.execute(frame);
    }

    void await() {
        graph.waitOn();
    }
}
