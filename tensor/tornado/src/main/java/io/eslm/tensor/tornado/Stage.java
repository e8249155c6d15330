// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.tornado;

import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.WorkerGrid;
import uk.ac.manchester.tornado.api.enums.DataTransferMode;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** A pair of buffers on both sides for each type, and the graphs that copy between them and the device's arrays. */
final class Stage {
    /** The number by which copies know the array of ints. */
    static final int INTS = -1;

    /** Copies {@code n} elements at a place of one array. */
    private record Copy(DeviceGraph graph, WorkerGrid grid) {
    }

    final int size;
    private final Device device;
    private final Resident all;
    private final IntArray control = new IntArray(Control.INTS);
    private final FloatArray floatsIn;
    private final IntArray intsIn;
    /** Element 0 is the sum of tickets. */
    private final FloatArray floatsOut;
    private final IntArray intsOut;
    /** By array; {@link #INTS} for the ints. */
    private final Map<Integer, Copy> writers = new HashMap<>();
    private final Map<Integer, Copy> readers = new HashMap<>();

    Stage(Device device, Resident all, int size) {
        this.device = device;
        this.all = all;
        this.size = size;
        floatsIn = new FloatArray(size);
        intsIn = new IntArray(size);
        floatsOut = new FloatArray(size + 1);
        intsOut = new IntArray(size + 1);
    }

    /** Brings what is {@link #in} to {@code n} elements of an array from {@code at} on, and waits. */
    void write(int array, int at, int n) {
        run(writers.computeIfAbsent(array, this::writer), at, n);
    }

    /** Brings {@code n} elements of an array from {@code at} on to {@link #out}, and waits. */
    void read(int array, int at, int n) {
        run(readers.computeIfAbsent(array, this::reader), at, n);
    }

    private void run(Copy copy, int at, int n) {
        control.set(0, device.nextTicket());
        control.set(1, at);
        control.set(2, n);
        copy.grid.setGlobalWork((long) Control.groups(n) * Control.THREADS, 1, 1);
        copy.graph.start();
        copy.graph.await();
    }

    private List<FloatArray> used(int array) {
        return array == INTS ? List.of() : List.of(all.floats(array));
    }

    private TaskGraph graph(int array) {
        return all.graph(device.newName(), used(array)).transferToDevice(DataTransferMode.EVERY_EXECUTION, control);
    }

    private Copy writer(int array) {
        TaskGraph tasks = graph(array);
        WorkerGrid grid = all.grid(tasks, "t", Control.THREADS, 1);
        if (array == INTS) {
            tasks.transferToDevice(DataTransferMode.EVERY_EXECUTION, intsIn).task("t", Copies::bringInts, all.context,
                    all.ints, control, intsIn);
        } else {
            tasks.transferToDevice(DataTransferMode.EVERY_EXECUTION, floatsIn).task("t", Copies::bringFloats,
                    all.context, all.floats(array), all.ints, control, floatsIn);
        }
        return new Copy(new DeviceGraph(all, tasks, used(array)), grid);
    }

    private Copy reader(int array) {
        TaskGraph tasks = graph(array);
        WorkerGrid grid = all.grid(tasks, "t", Control.THREADS, 1);
        if (array == INTS) {
            tasks.task("t", Copies::readInts, all.context, all.ints, control, intsOut)
                    .transferToHost(DataTransferMode.EVERY_EXECUTION, intsOut);
        } else {
            tasks.task("t", Copies::readFloats, all.context, all.floats(array), all.ints, control, floatsOut)
                    .transferToHost(DataTransferMode.EVERY_EXECUTION, floatsOut);
        }
        return new Copy(new DeviceGraph(all, tasks, used(array)), grid);
    }

    /** What a write brings to the device. */
    MemorySegment in(int array) {
        return array == INTS ? intsIn.getSegment() : floatsIn.getSegment();
    }

    /** What a read has brought, the sum of tickets before it. */
    MemorySegment out(int array) {
        return array == INTS ? intsOut.getSegment() : floatsOut.getSegment();
    }

    /** The sum of tickets that a read has brought. */
    int tickets(int array) {
        return array == INTS ? intsOut.get(0) : (int) floatsOut.get(0);
    }
}
