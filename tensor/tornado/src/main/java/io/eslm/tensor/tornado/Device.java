// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.tornado;

import io.eslm.tensor.DType;
import io.eslm.tensor.UserError;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import uk.ac.manchester.tornado.api.GridScheduler;
import uk.ac.manchester.tornado.api.ImmutableTaskGraph;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.TornadoExecutionPlan;
import uk.ac.manchester.tornado.api.WorkerGrid3D;
import uk.ac.manchester.tornado.api.WorkerGrid;
import uk.ac.manchester.tornado.api.common.TornadoDevice;
import uk.ac.manchester.tornado.api.enums.DataTransferMode;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.TornadoNativeArray;

/**
 * One prepared device: its memory as one array of floats and one of ints, and one execution plan with a task graph for
 * each {@link DeviceKernel} and each kind of copy. All graphs name both arrays, so that these stay on the device in
 * whatever order the graphs run. A call fills the control arrays and replays a graph; nothing is compiled after a
 * kernel's first call.
 */
final class Device {
    /** Ints are token ids and row indices: few compared with the floats. */
    private static final int FLOATS_PER_INT = 32;
    private static final int LARGEST_GRID = 65535;
    private static final String FIRST = "g0";

    private final TornadoDevice device;
    private final FloatArray floats;
    private final IntArray ints;
    private final IntArray control = new IntArray(Control.INTS);
    private final FloatArray scalars = new FloatArray(Control.FLOATS);
    private final KernelContext context = new KernelContext();
    private final GridScheduler grids = new GridScheduler();
    private final List<ImmutableTaskGraph> graphs = new ArrayList<>();
    private final List<WorkerGrid> workers = new ArrayList<>();
    private final Stage small;
    private final Stage large;
    private final TornadoExecutionPlan plan;
    /** Null where {@link Gemm} computes all products. */
    private final CuBlas cuBlas;
    /** TornadoVM has a stream for each thread; cuBLAS works on this thread's. */
    private final Thread opener = Thread.currentThread();
    private final boolean limited;
    /** The sum of tickets that the device must have. */
    private int expected;
    private int ticket;
    private long launches;

    Device(TornadoDevice device, Settings settings) {
        this.device = device;
        limited = settings.memoryBytes() != 0;
        int capacity = capacity(device, settings.memoryBytes());
        floats = FloatArray.fromSegmentShallow(hostSide(capacity));
        ints = IntArray.fromSegmentShallow(hostSide(capacity / FLOATS_PER_INT));
        // UNDER_DEMAND: the arrays are made on the device, and nothing is copied.
        add(1, 1, new TaskGraph(FIRST).transferToDevice(DataTransferMode.UNDER_DEMAND, floats, ints)
                .transferToDevice(DataTransferMode.EVERY_EXECUTION, control)
                .task("t", Device::touch, context, floats, ints, control).persistOnDevice(floats, ints));
        for (DeviceKernel kernel : DeviceKernel.values()) {
            add(kernel.localX, kernel.localY,
                    resident().transferToDevice(DataTransferMode.EVERY_EXECUTION, control, scalars)
                            .task("t", kernel.body, context, floats, ints, control, scalars)
                            .persistOnDevice(floats, ints));
        }
        small = new Stage(1 << 14);
        large = new Stage(1 << 22);
        Products products = Devices.products(device, settings);
        CudaStream.Place place = new CudaStream.Place();
        if (products != Products.PORTABLE) {
            graphs.add(resident().libraryTask("t", (f, i) -> CudaStream.task(place, f, i), floats, ints)
                    .persistOnDevice(floats, ints).snapshot());
        }
        plan = new TornadoExecutionPlan(graphs.toArray(new ImmutableTaskGraph[0])).withDevice(device)
                .withGridScheduler(grids);
        replay(0, 1, 1, 1);
        if (products == Products.PORTABLE) {
            cuBlas = null;
        } else {
            execute(graphs.size() - 1);
            cuBlas = new CuBlas(products, settings.cublas(), place);
            prove();
        }
    }

    /**
     * Tries cuBLAS with small products, one alone and a batch of two with transposed factors, of numbers that every
     * precision holds, and compares the results.
     */
    private void prove() {
        DeviceStorage all = new DeviceStorage(this, DType.F32, 0, 48);
        float[] factors =
                {1, 2, 3, 4, 5, 6, -1, 0, 2, 3, 1, -2, 7, -8, 9, 1, -2, 3, 1, 0, 1, 2, -1, 0, 0, 3, 1, 1, 1, 1};
        write(0, factors, 0, factors.length);
        new Product(all.slice(32, 4), all.slice(0, 6), all.slice(12, 6), 2, 3, 2).launch(this);
        new Product(all.slice(36, 8), all.slice(0, 12), all.slice(18, 12), 2, 3, 2).transposed(false, true)
                .batch(2, 1, 4, 6, 6, 0, 0, 0).launch(this);
        float[] expected = {19, 3, 61, -9, 4, 0, 10, 3, 2, 1, 1, 2};
        float[] got = new float[expected.length];
        read(32, got, 0, got.length);
        if (!Arrays.equals(expected, got)) {
            throw new UserError("backend 'tornado': " + cuBlas.description() + " gives wrong products on this device: "
                    + Arrays.toString(got) + " for " + Arrays.toString(expected) + ". Leave it out with "
                    + Settings.PRODUCTS + "=" + Products.PORTABLE.word());
        }
    }

    /**
     * The first kernel: it reads and writes both arrays, so that they are made on the device, and clears the sum of
     * tickets.
     */
    private static void touch(KernelContext k, FloatArray f, IntArray ints, IntArray c) {
        if (k.globalIdx == 0) {
            f.set(0, f.get(0));
            ints.set(Control.TICKETS, ints.get(Control.TICKETS) * 0 + c.get(0));
        }
    }

    private TaskGraph resident() {
        return new TaskGraph("g" + graphs.size()).consumeFromDevice(FIRST, floats, ints);
    }

    private int add(int localX, int localY, TaskGraph graph) {
        WorkerGrid grid = new WorkerGrid3D(localX, localY, 1);
        grid.setLocalWork(localX, localY, 1);
        grids.addWorkerGrid(graph.getTaskGraphName() + ".t", grid);
        workers.add(grid);
        graphs.add(graph.snapshot());
        return graphs.size() - 1;
    }

    /** True if a setting limits its memory. */
    boolean isLimited() {
        return limited;
    }

    int floatCapacity() {
        return floats.getSize();
    }

    int intCapacity() {
        return ints.getSize();
    }

    /** {@link io.eslm.tensor.backend.Backend#launches}. */
    long launches() {
        return launches;
    }

    /**
     * Runs {@code kernel} in workgroups of its own size.
     *
     * @param arguments for the control array, {@code count} of them; element 0 is the ticket's
     */
    synchronized void launch(DeviceKernel kernel, int[] arguments, int count, float[] values, int groupsX, int groupsY,
            int groupsZ) {
        MemorySegment.copy(arguments, 0, control.getSegment(), ValueLayout.JAVA_INT, 0, count);
        MemorySegment.copy(values, 0, scalars.getSegment(), ValueLayout.JAVA_FLOAT, 0, values.length);
        replay(1 + kernel.ordinal(), groupsX, groupsY, groupsZ);
    }

    private void replay(int graph, int groupsX, int groupsY, int groupsZ) {
        WorkerGrid grid = workers.get(graph);
        long[] local = grid.getLocalWork();
        long globalX = groupsX * local[0];
        if (groupsX <= 0 || groupsY <= 0 || groupsZ <= 0 || globalX > Integer.MAX_VALUE || groupsY > LARGEST_GRID
                || groupsZ > LARGEST_GRID) {
            throw new IllegalArgumentException(String.format(Locale.ROOT, "tornado: no grid of %d x %d x %d workgroups",
                    groupsX, groupsY, groupsZ));
        }
        checkThread();
        grid.setGlobalWork(globalX, groupsY * local[1], groupsZ);
        ticket = ticket % Control.TICKET_MASK + 1;
        expected = (expected + ticket) & Control.TICKET_MASK;
        control.set(0, ticket);
        launches++;
        execute(graph);
    }

    private void execute(int graph) {
        try {
            plan.withGraph(graph).execute();
        } catch (OutOfMemoryError e) {
            throw e;
        } catch (RuntimeException | Error e) { // TornadoVM's own, of many types: its compiler, the driver, the device
            throw new UserError("backend 'tornado': TornadoVM stopped in " + name(graph) + ": " + e + ". "
                    + (graph == 0 ? "If other programs use the device's memory, take less of it with " + Settings.MEMORY
                            : "You can resume a training run from its last checkpoint; if this happens again, use backend vector"),
                    e);
        }
    }

    private static String name(int graph) {
        int kernel = graph - 1;
        return graph == 0 ? "the first use of the device" : kernel < DeviceKernel.values().length
                ? "kernel " + DeviceKernel.values()[kernel] : "a copy";
    }

    private void checkThread() {
        if (cuBlas != null && Thread.currentThread() != opener) {
            throw new IllegalStateException("tornado: with cuBLAS, only the thread that opened a device may use it, "
                    + opener.getName() + ": nothing orders the work of another thread after its products");
        }
    }

    boolean hasCuBlas() {
        return cuBlas != null;
    }

    /**
     * Queues a product of cuBLAS after what was started. It has no ticket of its own: cuBLAS says whether it accepted
     * the call, and if it fails later, CUDA refuses everything after it, so that the next kernel's ticket is missing.
     */
    synchronized void multiply(ColumnMajor product) {
        checkThread();
        cuBlas.multiply(product);
    }

    /** Waits until everything started has run. Kernels are waited for as they start; products are not. */
    synchronized void finish() {
        if (cuBlas != null) {
            cuBlas.finish();
        }
    }

    /** Copies {@code n} floats from {@code src[from]} to the device's floats at {@code at}. */
    synchronized void write(int at, float[] src, int from, int n) {
        for (int done = 0; done < n;) {
            Stage stage = n - done <= small.size ? small : large;
            int part = Math.min(stage.size, n - done);
            MemorySegment.copy(src, from + done, stage.floatsIn.getSegment(), ValueLayout.JAVA_FLOAT, 0, part);
            stage.run(stage.writeFloats, at + done, part);
            done += part;
        }
    }

    /** Copies {@code n} ints from {@code src[from]} to the device's ints at {@code at}. */
    synchronized void write(int at, int[] src, int from, int n) {
        for (int done = 0; done < n;) {
            Stage stage = n - done <= small.size ? small : large;
            int part = Math.min(stage.size, n - done);
            MemorySegment.copy(src, from + done, stage.intsIn.getSegment(), ValueLayout.JAVA_INT, 0, part);
            stage.run(stage.writeInts, at + done, part);
            done += part;
        }
    }

    /** Copies {@code n} of the device's floats from {@code at} to {@code dst[to]}; checks that all kernels ran. */
    synchronized void read(int at, float[] dst, int to, int n) {
        for (int done = 0; done < n;) {
            Stage stage = n - done <= small.size ? small : large;
            int part = Math.min(stage.size, n - done);
            stage.run(stage.readFloats, at + done, part);
            check((int) stage.floatsOut.get(0));
            MemorySegment.copy(stage.floatsOut.getSegment(), ValueLayout.JAVA_FLOAT, Float.BYTES, dst, to + done, part);
            done += part;
        }
    }

    /** Copies {@code n} of the device's ints from {@code at} to {@code dst[to]}; checks that all kernels ran. */
    synchronized void read(int at, int[] dst, int to, int n) {
        for (int done = 0; done < n;) {
            Stage stage = n - done <= small.size ? small : large;
            int part = Math.min(stage.size, n - done);
            stage.run(stage.readInts, at + done, part);
            check(stage.intsOut.get(0));
            MemorySegment.copy(stage.intsOut.getSegment(), ValueLayout.JAVA_INT, Integer.BYTES, dst, to + done, part);
            done += part;
        }
    }

    private void check(int counted) {
        if (counted != expected) {
            throw new UserError(
                    "backend 'tornado': the device did not run every kernel it was given, so its numbers "
                            + "are wrong. TornadoVM printed the driver's error above, after [TornadoVM-…-JNI] ERROR");
        }
    }

    /** A pair of buffers on both sides for each type, and the graphs that copy between them and the device's arrays. */
    private final class Stage {
        final int size;
        final FloatArray floatsIn;
        final IntArray intsIn;
        /** Element 0 is the sum of tickets. */
        final FloatArray floatsOut;
        final IntArray intsOut;
        final int writeFloats;
        final int writeInts;
        final int readFloats;
        final int readInts;

        Stage(int size) {
            this.size = size;
            floatsIn = new FloatArray(size);
            intsIn = new IntArray(size);
            floatsOut = new FloatArray(size + 1);
            intsOut = new IntArray(size + 1);
            int local = Control.THREADS;
            writeFloats = add(local, 1,
                    resident().transferToDevice(DataTransferMode.EVERY_EXECUTION, control, floatsIn)
                            .task("t", Copies::writeFloats, context, floats, ints, control, floatsIn)
                            .persistOnDevice(floats, ints));
            writeInts = add(local, 1,
                    resident().transferToDevice(DataTransferMode.EVERY_EXECUTION, control, intsIn)
                            .task("t", Copies::writeInts, context, floats, ints, control, intsIn)
                            .persistOnDevice(floats, ints));
            readFloats = add(local, 1,
                    resident().transferToDevice(DataTransferMode.EVERY_EXECUTION, control)
                            .task("t", Copies::readFloats, context, floats, ints, control, floatsOut)
                            .persistOnDevice(floats, ints)
                            .transferToHost(DataTransferMode.EVERY_EXECUTION, floatsOut));
            readInts = add(local, 1,
                    resident().transferToDevice(DataTransferMode.EVERY_EXECUTION, control)
                            .task("t", Copies::readInts, context, floats, ints, control, intsOut)
                            .persistOnDevice(floats, ints).transferToHost(DataTransferMode.EVERY_EXECUTION, intsOut));
        }

        void run(int graph, int at, int n) {
            control.set(1, at);
            control.set(2, n);
            replay(graph, (n + Control.THREADS - 1) / Control.THREADS, 1, 1);
        }
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

    /** Name, driver and memory, for people. */
    String description() {
        return String.format(Locale.ROOT, "%s; %d MB taken; products: %s", describe(device),
                (floats.getSize() * 4L) >> 20, cuBlas == null ? Products.PORTABLE.word() : cuBlas.description());
    }

    static String describe(TornadoDevice device) {
        return String.format(Locale.ROOT, "%s (%s, %d MB)", device.getPhysicalDevice().getDeviceName(),
                device.getTornadoVMBackend(), device.getMaxGlobalMemory() >> 20);
    }
}
