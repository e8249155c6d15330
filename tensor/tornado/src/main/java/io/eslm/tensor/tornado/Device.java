// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.tornado;

import io.eslm.tensor.UserError;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.reflect.Array;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import uk.ac.manchester.tornado.api.ImmutableTaskGraph;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.TornadoExecutionPlan;
import uk.ac.manchester.tornado.api.WorkerGrid;
import uk.ac.manchester.tornado.api.common.TornadoDevice;
import uk.ac.manchester.tornado.api.enums.DataTransferMode;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * One prepared device: its memory, and one execution plan with a task graph for each {@link DeviceKernel} and each kind of copy.
 * A launch joins the {@link Pending} work. A read starts that, as a {@link Program} where the sequence is known, else graph by
 * graph, and waits. Nothing is compiled after a kernel's first call and the building of a program.
 */
final class Device {
    private static final int LARGEST_GRID = 65535;
    /** Larger copies to the device start at once. */
    static final int SMALL = 1 << 14;

    private final TornadoDevice device;
    private final Resident resident;
    private final IntArray control = new IntArray(Control.INTS);
    private final FloatArray scalars = new FloatArray(Control.FLOATS);
    private final List<ImmutableTaskGraph> graphs = new ArrayList<>();
    private final List<WorkerGrid> workers = new ArrayList<>();
    private final Stage small;
    private final Stage large;
    private final TornadoExecutionPlan plan;
    private final Pending pending;
    private int parts;
    /** Null where {@link Gemm} computes all products. */
    private final CuBlas cuBlas;
    /** TornadoVM has a stream for each thread; cuBLAS works on this thread's. */
    private final Thread opener = Thread.currentThread();
    private final boolean limited;
    /** The sum of tickets that the device must have. */
    private int expected;
    private int ticket;
    private long launches;
    private long waits;
    /** Why the device has stopped; null if it has not. */
    private UserError failed;

    Device(TornadoDevice device, Settings settings) {
        this.device = device;
        limited = settings.memoryBytes() != 0;
        resident = new Resident(device, settings.memoryBytes());
        pending = new Pending(settings.programs());
        add(1, 1, resident.first(control));
        for (DeviceKernel kernel : DeviceKernel.values()) {
            add(kernel.localX, kernel.localY,
                    graph().transferToDevice(DataTransferMode.EVERY_EXECUTION, control, scalars)
                            .task("t", kernel.body, resident.context, resident.floats, resident.ints, control, scalars)
                            .persistOnDevice(resident.floats, resident.ints));
        }
        small = new Stage(this, resident, control, SMALL);
        large = new Stage(this, resident, control, 1 << 22);
        Products products = Devices.products(device, settings);
        CudaStream.Place place = new CudaStream.Place();
        if (products != Products.PORTABLE) {
            graphs.add(graph().libraryTask("t", (f, i) -> CudaStream.task(place, f, i), resident.floats, resident.ints)
                    .persistOnDevice(resident.floats, resident.ints).snapshot());
        }
        plan = new TornadoExecutionPlan(graphs.toArray(new ImmutableTaskGraph[0])).withDevice(device)
                .withGridScheduler(resident.grids);
        alone(0, 1, 1, 1);
        if (products == Products.PORTABLE) {
            cuBlas = null;
        } else {
            execute(graphs.size() - 1);
            cuBlas = new CuBlas(products, settings.cublas(), place);
            CuBlasTrial.run(this, cuBlas.description());
        }
    }

    /** A graph to be given to {@link #add}. */
    TaskGraph graph() {
        return resident.graph("g" + graphs.size());
    }

    /** The number of {@code graph}, whose one task is "t". */
    int add(int localX, int localY, TaskGraph graph) {
        workers.add(resident.grid(graph, "t", localX, localY));
        graphs.add(graph.snapshot());
        return graphs.size() - 1;
    }

    /** The kernel of a graph, or null if that is a copy. */
    static DeviceKernel kernel(int graph) {
        return graph >= 1 && graph <= DeviceKernel.values().length ? DeviceKernel.values()[graph - 1] : null;
    }

    /** A part of a program. */
    ProgramPart part(List<Work> work) {
        return new ProgramPart(this, resident, device, plan, graphs.getFirst(), "p" + parts++, work);
    }

    boolean isLimited() {
        return limited;
    }

    int floatCapacity() {
        return resident.floats.getSize();
    }

    int intCapacity() {
        return resident.ints.getSize();
    }

    /** {@link io.eslm.tensor.backend.Backend#launches}. */
    long launches() {
        return launches;
    }

    /** {@link io.eslm.tensor.backend.Backend#waits}. */
    long waits() {
        return waits;
    }

    /**
     * Runs {@code kernel} in workgroups of its own size, after everything before.
     *
     * @param arguments for the control array, {@code count} of them; element 0 is the ticket's
     * @param values what the kernel reads from its array of scalars; null if nothing
     */
    synchronized void launch(DeviceKernel kernel, int[] arguments, int count, float[] values, int groupsX, int groupsY,
            int groupsZ) {
        int graph = 1 + kernel.ordinal();
        checkGrid(graph, groupsX, groupsY, groupsZ);
        Work w = pending.add(graph);
        System.arraycopy(arguments, 0, w.arguments, 0, count);
        w.count = count;
        if (values != null) {
            w.hasScalars = true;
            System.arraycopy(values, 0, w.scalars, 0, values.length);
        }
        given(w, groupsX, groupsY, groupsZ);
    }

    private void given(Work w, int groupsX, int groupsY, int groupsZ) {
        w.groupsX = groupsX;
        w.groupsY = groupsY;
        w.groupsZ = groupsZ;
        launches++;
        if (pending.isFull()) {
            finish();
        }
    }

    private void checkGrid(int graph, int groupsX, int groupsY, int groupsZ) {
        if (groupsX <= 0 || groupsY <= 0 || groupsZ <= 0
                || groupsX * workers.get(graph).getLocalWork()[0] > Integer.MAX_VALUE
                || groupsY > LARGEST_GRID || groupsZ > LARGEST_GRID) {
            throw new IllegalArgumentException(String.format(Locale.ROOT, "tornado: no grid of %d x %d x %d workgroups",
                    groupsX, groupsY, groupsZ));
        }
        checkThread();
    }

    /** Starts what is waiting; returns the program that may still run, or null if there is none. */
    private Program start() {
        checkThread();
        if (failed != null) {
            throw failed;
        }
        List<Work> work = pending.all();
        try {
            Program program = pending.program(this);
            if (program == null) {
                work.forEach(this::alone);
            } else {
                program.start(work);
            }
            return program;
        } catch (OutOfMemoryError e) {
            throw e;
        } catch (RuntimeException | Error e) { // TornadoVM's own, of many types
            // The device has not run what follows, so no number on it can be trusted from here on.
            failed = e instanceof UserError known ? known : stopped("a program of " + work.size() + " kernels", e);
            throw failed;
        } finally {
            pending.clear();
        }
    }

    private void alone(Work w) {
        if (w.graph == Work.PRODUCT) {
            cuBlas.multiply(w.product);
            return;
        }
        MemorySegment.copy(w.arguments, 0, control.getSegment(), ValueLayout.JAVA_INT, 0, w.count);
        if (w.hasScalars) {
            MemorySegment.copy(w.scalars, 0, scalars.getSegment(), ValueLayout.JAVA_FLOAT, 0, w.scalars.length);
        } else if (kernel(w.graph) == null) {
            MemorySegment.copy(w.brought, 0, small.in(w.bringsFloats), 0, (long) Integer.BYTES * w.arguments[2]);
        }
        alone(w.graph, w.groupsX, w.groupsY, w.groupsZ);
    }

    private void alone(int graph, int groupsX, int groupsY, int groupsZ) {
        WorkerGrid grid = workers.get(graph);
        grid.setGlobalWork(groupsX * grid.getLocalWork()[0], groupsY * grid.getLocalWork()[1], groupsZ);
        control.set(0, nextTicket());
        execute(graph);
    }

    /** The ticket of a kernel that is about to start. */
    int nextTicket() {
        ticket = ticket % Control.TICKET_MASK + 1;
        expected = (expected + ticket) & Control.TICKET_MASK;
        return ticket;
    }

    /** Runs a graph after what was started, and waits for all. */
    private void execute(int graph) {
        waits++;
        try {
            plan.withGraph(graph).execute();
        } catch (OutOfMemoryError e) {
            throw e;
        } catch (RuntimeException | Error e) { // TornadoVM's own, of many types: its compiler, the driver, the device
            throw stopped(name(graph), e);
        }
    }

    private static UserError stopped(String what, Throwable e) {
        String advice = what.equals(name(0))
                ? "If other programs use the device's memory, take less of it with " + Settings.MEMORY
                : "You can resume a training run from its last checkpoint; if this happens again, use "
                        + (what.startsWith("a program") ? Settings.PROGRAMS + "=off" : "backend vector");
        return new UserError("backend 'tornado': TornadoVM stopped in " + what + ": " + e + ". " + advice, e);
    }

    private static String name(int graph) {
        return graph == 0 ? "the first use of the device" : kernel(graph) != null ? "kernel " + kernel(graph)
                : "a copy";
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

    CuBlas cuBlas() {
        return cuBlas;
    }

    /**
     * Gives a product to cuBLAS, after everything before. It has no ticket of its own: cuBLAS says whether it accepted
     * the call, and if it fails later, CUDA refuses everything after it, so that the next kernel's ticket is missing.
     */
    synchronized void multiply(ColumnMajor product) {
        checkThread();
        pending.add(Work.PRODUCT).product = product;
        if (pending.isFull()) {
            finish();
        }
    }

    /** Starts what is waiting, and waits until everything has run. */
    synchronized void finish() {
        Program program = start();
        if (cuBlas != null) {
            cuBlas.finish();
        } else if (program != null) {
            program.await();
        }
        waits += cuBlas != null || program != null ? 1 : 0;
    }

    /** Copies {@code n} floats from {@code src[from]} to the device's floats at {@code at}. */
    void write(int at, float[] src, int from, int n) {
        write(at, src, ValueLayout.JAVA_FLOAT, from, n);
    }

    /** Copies {@code n} ints from {@code src[from]} to the device's ints at {@code at}. */
    void write(int at, int[] src, int from, int n) {
        write(at, src, ValueLayout.JAVA_INT, from, n);
    }

    /** Reads all of {@code src} before it returns. */
    private synchronized void write(int at, Object src, ValueLayout type, int from, int n) {
        Objects.checkFromIndexSize(from, n, Array.getLength(src));
        boolean floats = type == ValueLayout.JAVA_FLOAT;
        if (n > SMALL) {
            start();
            for (int done = 0; done < n; done += large.size) {
                int part = Math.min(large.size, n - done);
                MemorySegment.copy(src, from + done, large.in(floats), type, 0, part);
                run(large.writer(floats), at + done, part);
            }
        } else if (n > 0) {
            Work w = copy(small.writer(floats), at, n);
            w.bringsFloats = floats;
            w.brought = w.brought == null ? MemorySegment.ofArray(new int[SMALL]) : w.brought;
            MemorySegment.copy(src, from, w.brought, type, 0, n);
            given(w, groups(n), 1, 1);
        }
    }

    private Work copy(int graph, int at, int n) {
        checkThread();
        Work w = pending.add(graph);
        w.arguments[1] = at;
        w.arguments[2] = n;
        w.count = 3;
        return w;
    }

    private static int groups(int n) {
        return (n + Control.THREADS - 1) / Control.THREADS;
    }

    private void run(int graph, int at, int n) {
        checkThread();
        launches++;
        control.set(1, at);
        control.set(2, n);
        alone(graph, groups(n), 1, 1);
    }

    /** Copies {@code n} of the device's floats from {@code at} to {@code dst[to]}; checks that all kernels ran. */
    void read(int at, float[] dst, int to, int n) {
        read(at, dst, ValueLayout.JAVA_FLOAT, to, n);
    }

    /** Copies {@code n} of the device's ints from {@code at} to {@code dst[to]}; checks that all kernels ran. */
    void read(int at, int[] dst, int to, int n) {
        read(at, dst, ValueLayout.JAVA_INT, to, n);
    }

    private synchronized void read(int at, Object dst, ValueLayout type, int to, int n) {
        Objects.checkFromIndexSize(to, n, Array.getLength(dst));
        if (n == 0) {
            return;
        }
        boolean floats = type == ValueLayout.JAVA_FLOAT;
        start();
        for (int done = 0; done < n;) {
            Stage stage = n - done <= small.size ? small : large;
            int part = Math.min(stage.size, n - done);
            run(stage.reader(floats), at + done, part);
            check(stage.tickets(floats));
            MemorySegment.copy(stage.out(floats), type, type.byteSize(), dst, to + done, part);
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

    /** Name, driver and memory, for people. */
    String description() {
        return String.format(Locale.ROOT, "%s; %d MB taken; products: %s", describe(device),
                (resident.floats.getSize() * 4L) >> 20,
                cuBlas == null ? Products.PORTABLE.word() : cuBlas.description());
    }

    static String describe(TornadoDevice device) {
        return String.format(Locale.ROOT, "%s (%s, %d MB)", device.getPhysicalDevice().getDeviceName(),
                device.getTornadoVMBackend(), device.getMaxGlobalMemory() >> 20);
    }
}
