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
import java.util.Locale;
import uk.ac.manchester.tornado.api.GridScheduler;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.WorkerGrid3D;
import uk.ac.manchester.tornado.api.WorkerGrid;
import uk.ac.manchester.tornado.api.common.TornadoDevice;
import uk.ac.manchester.tornado.api.enums.DataTransferMode;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.TornadoNativeArray;

/**
 * A device's memory as one array of floats and one of ints, and what all task graphs share. All graphs name both arrays, so that
 * these stay on the device in whatever order the graphs run.
 */
final class Resident {
    /** Ints are token ids and row indices: few compared with the floats. */
    private static final int FLOATS_PER_INT = 32;
    private static final String FIRST = "g0";

    final FloatArray floats;
    final IntArray ints;
    final KernelContext context = new KernelContext();
    final GridScheduler grids = new GridScheduler();

    Resident(TornadoDevice device, long memoryBytes) {
        int capacity = capacity(device, memoryBytes);
        floats = FloatArray.fromSegmentShallow(hostSide(capacity));
        ints = IntArray.fromSegmentShallow(hostSide(capacity / FLOATS_PER_INT));
    }

    /** The graph that must run first: it makes the arrays on the device, and clears the sum of tickets. */
    TaskGraph first(IntArray control) {
        // UNDER_DEMAND: the arrays are made on the device, and nothing is copied.
        return new TaskGraph(FIRST).transferToDevice(DataTransferMode.UNDER_DEMAND, floats, ints)
                .transferToDevice(DataTransferMode.EVERY_EXECUTION, control)
                .task("t", Resident::touch, context, floats, ints, control).persistOnDevice(floats, ints);
    }

    private static void touch(KernelContext k, FloatArray f, IntArray ints, IntArray c) {
        if (k.globalIdx == 0) {
            f.set(0, f.get(0));
            ints.set(Control.TICKETS, ints.get(Control.TICKETS) * 0 + c.get(0));
        }
    }

    /** A graph that finds the arrays on the device; it must end with {@link TaskGraph#persistOnDevice} of both. */
    TaskGraph graph(String name) {
        return new TaskGraph(name).consumeFromDevice(FIRST, floats, ints);
    }

    /** The grid of a task, in workgroups of this size. */
    WorkerGrid grid(TaskGraph graph, String task, int localX, int localY) {
        WorkerGrid grid = new WorkerGrid3D(localX, localY, 1);
        grid.setLocalWork(localX, localY, 1);
        grids.addWorkerGrid(graph.getTaskGraphName() + "." + task, grid);
        return grid;
    }

    /**
     * How many floats to take: as many as one array and one allocation can hold, up to three quarters of the memory.
     */
    private static int capacity(TornadoDevice device, long memoryBytes) {
        long most = Math.min((Integer.MAX_VALUE - 64L) * Float.BYTES,
                Math.min(device.getMaxAllocMemory(), device.getMaxGlobalMemory() / 4 * 3));
        long wanted = memoryBytes == 0 ? most : memoryBytes;
        if (wanted > most) {
            throw new UserError(
                    String.format(Locale.ROOT, "%s: %d MB, but one array on this device can have at most "
                            + "%d MB", Settings.MEMORY, wanted >> 20, most >> 20));
        }
        return (int) (wanted / Float.BYTES / 64 * 64 - 64);
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
