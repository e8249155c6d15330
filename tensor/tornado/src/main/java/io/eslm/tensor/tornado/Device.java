// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.tornado;

import io.eslm.tensor.DType;
import io.eslm.tensor.UserError;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.reflect.Array;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import uk.ac.manchester.tornado.api.common.TornadoDevice;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;

/**
 * One prepared device: its memory, and a task graph for each kind of work that was done alone. A launch joins the {@link Pending}
 * work. A read starts that, as a {@link Program} where the sequence is known, else graph by graph, and waits. Nothing is compiled
 * after a kernel's first call with operands in the same arrays and the building of a program.
 */
final class Device {
    private static final int LARGEST_GRID = 65535;
    /** Larger copies to the device start at once. */
    static final int SMALL = 1 << 14;
    /** Elements of one large copy: each array has buffers for them. */
    private static final int LARGE = 1 << 20;
    /** Of each size; TornadoVM compiles the copy of each. */
    private static final int PAGES = 256;
    private static final String A_COPY = "a copy";
    private static final String FIRST_USE = "the first use of the device";

    private final TornadoDevice device;
    private final Resident resident;
    /** By the kind of work, see {@link Work#kind}. */
    private final Map<Long, Single> single = new HashMap<>();
    private final Book book;
    private final Stage small;
    private final Stage large;
    private final Pending pending;
    private int names;
    /** Null where {@link Gemm} computes all products. */
    private final CuBlas cuBlas;
    /** TornadoVM has a stream for each thread; cuBLAS works on this thread's. */
    private final Thread opener = Thread.currentThread();
    private final boolean limited;
    private final boolean attentionByProducts;
    /** The sum of tickets that the device must have. */
    private int expected;
    private int ticket;
    /** The program that was started last, if nothing has waited for it. */
    private Program running;
    private long launches;
    private long waits;
    /** Why the device has stopped; null if it has not. */
    private UserError failed;

    Device(TornadoDevice device, Settings settings) {
        this(device, settings, PAGES);
    }

    /** @param pages that the host writes before it waits, of each size */
    Device(TornadoDevice device, Settings settings, int pages) {
        this.device = device;
        limited = settings.memoryBytes() != 0;
        resident = new Resident(device, settings);
        pending = new Pending(settings.programs());
        book = new Book(this, resident, pages);
        small = new Stage(this, resident, SMALL);
        large = new Stage(this, resident, LARGE);
        Products products = Devices.products(device, settings);
        waits++;
        guarded(FIRST_USE, () -> resident.open(nextTicket()));
        if (products == Products.PORTABLE) {
            cuBlas = null;
        } else {
            CudaStream.Place place = new CudaStream.Place(resident.floats.length);
            guarded(FIRST_USE, () -> place.find(resident, newName()));
            cuBlas = new CuBlas(products, settings.cublas(), place);
            CuBlasTrial.run(this, cuBlas.description());
        }
        attentionByProducts = settings.attention() == null ? cuBlas != null : settings.attention() == Attend.PRODUCTS;
    }

    /** A name that no task graph has. */
    String newName() {
        return "g" + ++names;
    }

    /** A page of the book, see {@link Book#page}. */
    Book.Page page(boolean isLarge) {
        return book.page(isLarge);
    }

    /** Work as one task graph. */
    ProgramPart part(List<Work> work) {
        return new ProgramPart(this, resident, newName(), work);
    }

    boolean isLimited() {
        return limited;
    }

    /** Elements of each array of floats. */
    int[] floatCapacities() {
        return Arrays.stream(resident.floats).mapToInt(FloatArray::getSize).toArray();
    }

    /** Elements of all arrays of floats. */
    long floatCapacity() {
        return Arrays.stream(resident.floats).mapToLong(FloatArray::getSize).sum();
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

    /** Runs {@code kernel} in workgroups of its own size, after everything before. */
    synchronized void launch(DeviceKernel kernel, Call call, int groupsX, int groupsY, int groupsZ) {
        checkGrid(kernel, groupsX, groupsY, groupsZ);
        Work w = pending.add(kernel.ordinal());
        call.fill(w);
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

    private void checkGrid(DeviceKernel kernel, int groupsX, int groupsY, int groupsZ) {
        if (groupsX <= 0 || groupsY <= 0 || groupsZ <= 0 || (long) groupsX * kernel.localX > Integer.MAX_VALUE
                || groupsY > LARGEST_GRID || groupsZ > LARGEST_GRID) {
            throw new IllegalArgumentException(String.format(Locale.ROOT, "tornado: no grid of %d x %d x %d workgroups",
                    groupsX, groupsY, groupsZ));
        }
        checkThread();
    }

    /** Starts what is waiting, as a program if it has come before, else one by one. */
    synchronized void start() {
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
                running = program;
            }
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

    /** Does {@code w}, and waits for it. */
    private void alone(Work w) {
        if (w.kernel() == null) {
            cuBlas.multiply(w.product);
            return;
        }
        guarded(w.toString(), () -> {
            if (w.isCopy()) {
                int array = w.operands() == 0 ? Stage.INTS : w.array(0);
                MemorySegment.copy(w.brought, 0, small.in(array), 0, (long) Integer.BYTES * w.arguments[2]);
                small.write(array, w.arguments[1], w.arguments[2]);
            } else {
                single.computeIfAbsent(w.kind(), _ -> new Single(resident, newName(), w)).run(w, nextTicket());
            }
        });
        hasWaited();
    }

    /** The ticket of a kernel that is about to start. */
    int nextTicket() {
        ticket = ticket % Control.TICKET_MASK + 1;
        expected = (expected + ticket) & Control.TICKET_MASK;
        return ticket;
    }

    /** Runs {@code body}, which starts a graph of {@code what} and waits for it. */
    private static void guarded(String what, Runnable body) {
        try {
            body.run();
        } catch (OutOfMemoryError | UserError e) {
            throw e;
        } catch (RuntimeException | Error e) { // TornadoVM's own, of many types: its compiler, the driver, the device
            throw stopped(what, e);
        }
    }

    private static UserError stopped(String what, Throwable e) {
        String advice = what.equals(FIRST_USE)
                ? "If other programs use the device's memory, take less of it with " + Settings.MEMORY
                : "You can resume a training run from its last checkpoint; if this happens again, use "
                        + (what.startsWith("a program") ? Settings.PROGRAMS + "=off" : "backend vector");
        return new UserError("backend 'tornado': TornadoVM stopped in " + what + ": " + e + ". " + advice, e);
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

    /** {@link Attend#PRODUCTS}, or else {@link Attend#TILES}. */
    boolean roundsFactors() {
        return cuBlas != null && cuBlas.roundsFactors();
    }

    boolean attentionByProducts() {
        return attentionByProducts;
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
        start();
        await();
    }

    /** Waits until everything that was started has run. */
    void await() {
        if (cuBlas != null) {
            cuBlas.finish();
        } else if (running != null) {
            running.await();
        }
        waits += cuBlas != null || running != null ? 1 : 0;
        hasRun();
    }

    /** Everything that was started has run. */
    private void hasRun() {
        running = null;
        book.close();
    }

    /** Copies {@code n} floats from {@code src[from]} to the start of {@code dst}. */
    void write(DeviceStorage dst, float[] src, int from, int n) {
        write(dst, src, ValueLayout.JAVA_FLOAT, from, n);
    }

    /** Copies {@code n} ints from {@code src[from]} to the start of {@code dst}. */
    void write(DeviceStorage dst, int[] src, int from, int n) {
        write(dst, src, ValueLayout.JAVA_INT, from, n);
    }

    /** Reads all of {@code src} before it returns. */
    private synchronized void write(DeviceStorage dst, Object src, ValueLayout type, int from, int n) {
        Objects.checkFromIndexSize(from, n, Array.getLength(src));
        int array = array(dst);
        if (n > SMALL) {
            start();
            for (int done = 0; done < n; done += large.size) {
                int part = Math.min(large.size, n - done);
                MemorySegment.copy(src, from + done, large.in(array), type, 0, part);
                int at = dst.offset() + done;
                guarded(A_COPY, () -> large.write(array, at, part));
                counted();
            }
        } else if (n > 0) {
            checkThread();
            Work w = pending.add((array == Stage.INTS ? DeviceKernel.WRITE_INTS : DeviceKernel.WRITE_FLOATS).ordinal());
            if (array != Stage.INTS) {
                w.operand(array);
            }
            w.arguments[1] = dst.offset();
            w.arguments[2] = n;
            w.brought = w.brought == null ? MemorySegment.ofArray(new int[SMALL]) : w.brought;
            MemorySegment.copy(src, from, w.brought, type, 0, n);
            given(w, Control.groups(n), 1, 1);
        }
    }

    private static int array(DeviceStorage storage) {
        return storage.dtype() == DType.I32 ? Stage.INTS : storage.array();
    }

    private void counted() {
        launches++;
        hasWaited();
    }

    /** The host has waited until everything that was started has run. */
    void hasWaited() {
        waits++;
        hasRun();
    }

    /** Copies the first {@code n} floats of {@code src} to {@code dst[to]}; checks that all kernels ran. */
    void read(DeviceStorage src, float[] dst, int to, int n) {
        read(src, dst, ValueLayout.JAVA_FLOAT, to, n);
    }

    /** Copies the first {@code n} ints of {@code src} to {@code dst[to]}; checks that all kernels ran. */
    void read(DeviceStorage src, int[] dst, int to, int n) {
        read(src, dst, ValueLayout.JAVA_INT, to, n);
    }

    private synchronized void read(DeviceStorage src, Object dst, ValueLayout type, int to, int n) {
        Objects.checkFromIndexSize(to, n, Array.getLength(dst));
        if (n == 0) {
            return;
        }
        int array = array(src);
        start();
        for (int done = 0; done < n;) {
            Stage stage = n - done <= small.size ? small : large;
            int part = Math.min(stage.size, n - done);
            int at = src.offset() + done;
            guarded(A_COPY, () -> stage.read(array, at, part));
            counted();
            check(stage.tickets(array));
            MemorySegment.copy(stage.out(array), type, type.byteSize(), dst, to + done, part);
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
        int arrays = resident.floats.length;
        return String.format(Locale.ROOT, "%s; %d MB taken%s; products: %s; attention: %s", describe(device),
                floatCapacity() * Float.BYTES >> 20, arrays == 1 ? "" : ", in " + arrays + " arrays",
                cuBlas == null ? Settings.word(Products.PORTABLE) : cuBlas.description(),
                Settings.word(attentionByProducts ? Attend.PRODUCTS : Attend.TILES));
    }

    static String describe(TornadoDevice device) {
        return String.format(Locale.ROOT, "%s (%s, %d MB)", device.getPhysicalDevice().getDeviceName(),
                device.getTornadoVMBackend(), device.getMaxGlobalMemory() >> 20);
    }
}
