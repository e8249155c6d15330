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
    /** What copies bring. */
    private final MemorySegment[] brought;
    private final CudaStream.Queued[] products;
    /** For kernels that read no scalars. */
    private final FloatArray none = new FloatArray(Control.FLOATS);

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
        brought = new MemorySegment[n];
        products = new CudaStream.Queued[n];
        TaskGraph tasks = resident.graph(name).transferToDevice(DataTransferMode.FIRST_EXECUTION, none);
        for (int i = 0; i < n; i++) {
            Work w = work.get(i);
            if (w.graph == Work.PRODUCT) {
                addProduct(tasks, i, resident);
                continue;
            }
            controls[i] = new IntArray(Control.INTS);
            tasks.transferToDevice(DataTransferMode.EVERY_EXECUTION, controls[i]);
            DeviceKernel kernel = Device.kernel(w.graph);
            if (kernel == null) {
                addCopy(tasks, i, resident, w.bringsFloats);
            } else {
                addKernel(tasks, i, resident, kernel, w.hasScalars);
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

    private void addProduct(TaskGraph tasks, int i, Resident all) {
        CudaStream.Queued product = new CudaStream.Queued(device.cuBlas());
        tasks.libraryTask("t" + i, (f, j) -> CudaStream.task(product, f, j), all.floats, all.ints);
        products[i] = product;
    }

    private void addKernel(TaskGraph tasks, int i, Resident all, DeviceKernel kernel, boolean hasScalars) {
        grids[i] = all.grid(tasks, "t" + i, kernel.localX, kernel.localY);
        if (hasScalars) {
            scalars[i] = new FloatArray(Control.FLOATS);
            tasks.transferToDevice(DataTransferMode.EVERY_EXECUTION, scalars[i]);
        }
        tasks.task("t" + i, kernel.body, all.context, all.floats, all.ints, controls[i],
                hasScalars ? scalars[i] : none);
    }

    private void addCopy(TaskGraph tasks, int i, Resident all, boolean isFloats) {
        grids[i] = all.grid(tasks, "t" + i, Control.THREADS, 1);
        if (isFloats) {
            FloatArray in = new FloatArray(Device.SMALL);
            tasks.transferToDevice(DataTransferMode.EVERY_EXECUTION, in).task("t" + i, Copies::writeFloats, all.context,
                    all.floats, all.ints, controls[i], in);
            brought[i] = in.getSegment();
        } else {
            IntArray in = new IntArray(Device.SMALL);
            tasks.transferToDevice(DataTransferMode.EVERY_EXECUTION, in).task("t" + i, Copies::writeInts, all.context,
                    all.floats, all.ints, controls[i], in);
            brought[i] = in.getSegment();
        }
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
            } else if (brought[i] != null) {
                MemorySegment.copy(w.brought, 0, brought[i], 0, (long) Integer.BYTES * w.arguments[2]);
            }
        }
        graph.execute(frame);
    }

    void await() {
        graph.waitOn();
    }
}
