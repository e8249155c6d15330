// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.tornado;

import io.eslm.tensor.UserError;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import uk.ac.manchester.tornado.api.GridScheduler;
import uk.ac.manchester.tornado.api.ImmutableTaskGraph;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.TornadoExecutionPlan;
import uk.ac.manchester.tornado.api.TornadoTaskGraphInterface;
import uk.ac.manchester.tornado.api.WorkerGrid3D;
import uk.ac.manchester.tornado.api.WorkerGrid;
import uk.ac.manchester.tornado.api.common.TornadoDevice;
import uk.ac.manchester.tornado.api.enums.DataTransferMode;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.TornadoNativeArray;

/**
 * A device's memory as a few arrays of floats and one of ints, and what all task graphs share.
 *
 * <p>A kernel names one array for each operand, and TornadoVM orders the tasks of a graph by the arrays that they write: a task that
 * named an array twice, and wrote it, would wait for itself. So each array has a name for every operand: an object of its own for
 * the same memory of the device. Tasks run in the order in which they were added, since the queue is in order.
 */
final class Resident {
    /** Kernels have no more operands of floats than this. */
    static final int OPERANDS = 7;
    /** Ints are token ids and row indices: few compared with the floats. */
    private static final int FLOATS_PER_INT = 32;
    static final String FIRST = "g0";
    private static final long MOST_INTS = 1 << 26;

    final FloatArray[] floats;
    final IntArray ints;
    /** The array of a {@link Book}, and its name where a kernel reads floats there. */
    final IntArray book = new IntArray(Book.INTS);
    final FloatArray bookFloats = new FloatArray(1);
    final KernelContext context = new KernelContext();
    final GridScheduler grids = new GridScheduler();
    private final TornadoDevice device;
    /** Its name for each operand, by array. */
    private final FloatArray[][] names;
    private final IntArray control = new IntArray(Control.INTS);
    private final ImmutableTaskGraph first;
    private final TornadoExecutionPlan plan;

    Resident(TornadoDevice device, Settings settings) {
        this.device = device;
        int[] sizes = sizes(device, settings);
        floats = new FloatArray[sizes.length];
        names = new FloatArray[sizes.length][OPERANDS];
        for (int i = 0; i < sizes.length; i++) {
            floats[i] = FloatArray.fromSegmentShallow(hostSide(sizes[i]));
            names[i][0] = floats[i];
            for (int operand = 1; operand < OPERANDS; operand++) {
                names[i][operand] = new FloatArray(1);
            }
        }
        long elements = Arrays.stream(sizes).asLongStream().sum();
        ints = IntArray.fromSegmentShallow(hostSide((int) Math.min(elements / FLOATS_PER_INT, MOST_INTS)));
        first = firstGraph();
        plan = new TornadoExecutionPlan(first).withDevice(device).withGridScheduler(grids);
    }

    private ImmutableTaskGraph firstGraph() {
        List<Object> all = new ArrayList<>(List.of(ints, book, bookFloats));
        for (FloatArray[] array : names) {
            all.addAll(List.of(array));
        }
        Object[] everything = all.toArray();
        // UNDER_DEMAND: the arrays are made on the device, and nothing is copied.
        TaskGraph graph = new TaskGraph(FIRST).transferToDevice(DataTransferMode.UNDER_DEMAND, everything)
                .transferToDevice(DataTransferMode.EVERY_EXECUTION, control);
        for (int i = 0; i < floats.length; i++) {
            grid(graph, "t" + i, 1, 1).setGlobalWork(1, 1, 1);
            graph.task("t" + i, Resident::touch, context, floats[i], ints, control);
        }
        grid(graph, "b", 1, 1).setGlobalWork(1, 1, 1);
        return graph.task("b", Copies::open, context, book, control, 1).persistOnDevice(everything).snapshot();
    }

    private static void touch(KernelContext k, FloatArray f, IntArray ints, IntArray c) {
        if (k.globalIdx == 0) {
            f.set(0, f.get(0));
            ints.set(Control.TICKETS, ints.get(Control.TICKETS) * 0 + c.get(0));
        }
    }

    /** Makes the arrays on the device, their names, and the sum of tickets: {@code ticket}. Must come first. */
    void open(int ticket) {
        control.set(0, ticket);
        plan.withGraph(0).execute();
        TornadoTaskGraphInterface graph = Internals.implementation(first);
        for (FloatArray[] array : names) {
            for (int operand = 1; operand < OPERANDS; operand++) {
                graph.mapOnDeviceMemoryRegion(array[operand], array[0], 0, graph);
            }
        }
        graph.mapOnDeviceMemoryRegion(bookFloats, book, 0, graph);
    }

    /** A graph that finds the ints on the device, and the arrays of floats that its tasks will name. */
    TaskGraph graph(String name, Collection<FloatArray> used) {
        return new TaskGraph(name).consumeFromDevice(FIRST, ints).consumeFromDevice(FIRST, used.toArray());
    }

    /** What a task calls an array that only one of its operands is in. */
    FloatArray floats(int array) {
        return names[array][0];
    }

    /** What a task for {@code work} calls the arrays of its operands. */
    FloatArray[] operands(Work work) {
        FloatArray[] operands = new FloatArray[work.operands()];
        for (int i = 0; i < operands.length; i++) {
            operands[i] = names[work.array(i)][i];
        }
        return operands;
    }

    /** The graph that made the arrays. */
    ImmutableTaskGraph first() {
        return first;
    }

    /** The plan of {@link #first}, in whose frame all graphs run. */
    TornadoExecutionPlan plan() {
        return plan;
    }

    TornadoDevice hardware() {
        return device;
    }

    /** The grid of a task, in workgroups of this size. */
    WorkerGrid grid(TaskGraph graph, String task, int localX, int localY) {
        WorkerGrid grid = new WorkerGrid3D(localX, localY, 1);
        grid.setLocalWork(localX, localY, 1);
        grids.addWorkerGrid(graph.getTaskGraphName() + "." + task, grid);
        return grid;
    }

    /** How many floats each array has: three quarters of the device's memory together, if the user names no size. */
    private static int[] sizes(TornadoDevice device, Settings settings) {
        long most = device.getMaxGlobalMemory() / 4 * 3;
        long wanted = settings.memoryBytes() == 0 ? most : settings.memoryBytes();
        if (wanted > device.getMaxGlobalMemory()) {
            throw new UserError(String.format(Locale.ROOT, "%s: %d MB, but the device has %d MB", Settings.MEMORY,
                    wanted >> 20, device.getMaxGlobalMemory() >> 20));
        }
        // TornadoVM makes no array as large as the driver's limit, but smaller ones.
        long largest = device.getMaxAllocMemory() - 4096;
        long array = settings.arrayBytes() == 0 ? largest : Math.min(largest, settings.arrayBytes());
        int[] sizes = Arenas.sizes(wanted, array);
        UserError.check(sizes.length <= Work.MOST_ARRAYS,
                "%d MB in arrays of %d MB would be %d arrays, but %d are the most. Set a %ssmaller %s",
                wanted >> 20, array >> 20, sizes.length, Work.MOST_ARRAYS,
                array < largest ? "larger " + Settings.ARRAY + " or a " : "", Settings.MEMORY);
        return sizes;
    }

    /**
     * TornadoVM asks for an array on the host, of the same size, for each on the device, and writes its length in
     * front. Nothing else is ever written to it or read from it, so an empty sparse file serves, which takes no memory.
     */
    private static MemorySegment hostSide(int elements) {
        long bytes = TornadoNativeArray.ARRAY_HEADER + (long) elements * Float.BYTES;
        try {
            Path file = Files.createTempFile("eslm-tornado", null);
            Files.delete(file);
            try (FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.SPARSE,
                    StandardOpenOption.READ, StandardOpenOption.WRITE, StandardOpenOption.DELETE_ON_CLOSE)) {
                return channel.map(FileChannel.MapMode.READ_WRITE, 0, bytes, Arena.global());
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
