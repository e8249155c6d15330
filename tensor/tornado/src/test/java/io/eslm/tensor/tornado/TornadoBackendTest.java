// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.tornado;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.eslm.tensor.DType;
import io.eslm.tensor.Rng;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import io.eslm.tensor.backend.Storage;
import java.lang.reflect.Field;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import uk.ac.manchester.tornado.api.WorkerGrid;

/** What the device backend does beside computing. Where there is no device, it is skipped and says so. */
class TornadoBackendTest {
    private Backend backend;

    @BeforeEach
    void open() {
        assumeDevice();
        backend = Backends.open("tornado", 0);
    }

    static void assumeDevice() {
        String why = new TornadoProvider().unusableBecause();
        if (why != null) {
            System.err.println("NOT TESTED: backend 'tornado': " + why);
        }
        assumeTrue(why == null, why);
    }

    @AfterEach
    void close() {
        if (backend != null) {
            backend.close();
        }
    }

    /** Sizes on both sides of the buffers that travel, at a place in the middle. */
    @Test
    void whatIsWrittenIsRead() {
        for (int n : new int[] {0, 1, 1 << 14, (1 << 14) + 1, (1 << 22) + 7}) {
            Storage whole = backend.allocate(DType.F32, n + 5);
            float[] values = new float[n];
            for (int i = 0; i < n; i++) {
                values[i] = i * 0.5f - 3;
            }
            backend.write(backend.slice(whole, 3, n), values, 0, n);
            float[] got = new float[n + 5];
            backend.read(whole, got, 0, n + 5);
            assertArrayEquals(values, Arrays.copyOfRange(got, 3, n + 3));
            assertEquals(0, got[2] + got[n + 3], "what was not written is 0");
        }
        Storage ints = backend.allocate(DType.I32, 3);
        backend.write(ints, new int[] {7, Integer.MIN_VALUE, Integer.MAX_VALUE}, 0, 3);
        int[] got = new int[3];
        backend.read(ints, got, 0, 3);
        assertArrayEquals(new int[] {7, Integer.MIN_VALUE, Integer.MAX_VALUE}, got);
    }

    /** Half of the device's ints, eight times: storages that nothing holds are given out again. */
    @Test
    void memoryThatNobodyHoldsComesBack() {
        DeviceMemory memory = Devices.open(Settings.of(System.getenv()));
        int half = memory.device.intCapacity() / 2;
        for (int i = 0; i < 8; i++) {
            assertEquals(half, memory.allocate(DType.I32, half).size());
        }
        Storage held = memory.allocate(DType.I32, half);
        UserError full = assertThrows(UserError.class, () -> memory.allocate(DType.I32, half));
        assertTrue(full.getMessage().contains("more ints"), full::getMessage);
        assertEquals(half, held.size());
    }

    /**
     * TornadoVM has the driver choose a size for a workgroup that is too large, and continues. The next read does not,
     * unless the driver chose the size that the kernel is written for.
     */
    @Test
    void aKernelThatDidNotRunIsNoticed() throws ReflectiveOperationException {
        Storage y = backend.allocate(DType.F32, 10);
        backend.finish();
        Device device = Devices.open(Settings.of(System.getenv())).device;
        Work work = new Work();
        work.reset(DeviceKernel.FILL.ordinal());
        work.operand(((DeviceStorage) y).array());
        work.hasScalars = true;
        Field gridField = Single.class.getDeclaredField("grid");
        gridField.setAccessible(true);
        WorkerGrid grid = (WorkerGrid) gridField.get(((Map<?, ?>) field("single").get(device)).get(work.kind()));
        grid.setLocalWork(1 << 20, 1, 1);
        backend.kernels().fill(y, 10, 1);
        backend.finish();
        int lost = field("ticket").getInt(device);
        grid.setLocalWork(DeviceKernel.FILL.localX, 1, 1);
        float[] got = new float[10];
        try {
            backend.read(y, got, 0, 10);
            float[] ones = new float[10];
            Arrays.fill(ones, 1);
            assertArrayEquals(ones, got, "neither noticed nor right");
        } catch (UserError e) {
            assertTrue(e.getMessage().contains("did not run every kernel"), e::getMessage);
            // For the tests that follow; a program stops here.
            field("expected").setInt(device, (field("expected").getInt(device) - lost) & Control.TICKET_MASK);
            backend.read(y, got, 0, 10);
        }
    }

    /** On any device: one ticket that the host has given out and the device has not added. */
    @Test
    void aMissingTicketStopsTheNextRead() throws ReflectiveOperationException {
        Storage y = backend.allocate(DType.F32, 10);
        backend.finish();
        Device device = Devices.open(Settings.of(System.getenv())).device;
        int right = field("expected").getInt(device);
        field("expected").setInt(device, right + 1 & Control.TICKET_MASK);
        float[] got = new float[10];
        UserError e = assertThrows(UserError.class, () -> backend.read(y, got, 0, 10));
        assertTrue(e.getMessage().contains("did not run every kernel"), e::getMessage);
        field("expected").setInt(device, field("expected").getInt(device) - 1 & Control.TICKET_MASK);
        backend.read(y, got, 0, 10);
    }

    /** Whatever TornadoVM throws becomes a message with what to do. */
    @Test
    void anErrorOfTornadoIsSaid() throws ReflectiveOperationException {
        Method guarded = Device.class.getDeclaredMethod("guarded", String.class, Runnable.class);
        guarded.setAccessible(true);
        Runnable fails = () -> {
            throw new IllegalStateException("the driver is gone");
        };
        var e = assertThrows(InvocationTargetException.class, () -> guarded.invoke(null, "a copy", fails));
        assertTrue(e.getCause() instanceof UserError, e.getCause()::toString);
        assertTrue(e.getCause().getMessage().startsWith("backend 'tornado': TornadoVM stopped in a copy: "),
                e.getCause()::getMessage);
    }

    /** The products that cuBLAS is tried with, by the portable kernel: what is expected of them is right. */
    @Test
    void theTrialOfCuBlasIsRight() {
        DeviceMemory memory = Devices.open(Settings.of(System.getenv()));
        // It works on the first elements of the device, which somebody may hold.
        Storage first = new DeviceStorage(memory, DType.F32, 0, 0, 48);
        float[] before = read(first, 48);
        CuBlasTrial.run(memory.device, "the portable kernel");
        backend.write(first, before, 0, 48);
    }

    /** A step of the optimizer takes as many launches for a hundred tensors as for one. */
    @Test
    void theOptimizerLaunchesOnceForAllTensors() {
        int n = 100;
        Storage[][] all = new Storage[4][n];
        int[] sizes = new int[n];
        Arrays.fill(sizes, 3);
        for (Storage[] tensors : all) {
            Arrays.setAll(tensors, _ -> backend.allocate(DType.F32, 3));
        }
        Storage sum = backend.allocate(DType.F32, 1);
        Runnable step = () -> {
            backend.kernels().addSumOfSquares(sum, all[1], sizes);
            backend.kernels().adamW(all[0], all[1], all[2], all[3], sizes, new boolean[n], 1e-3, 0.9, 0.95, 1e-8, 0.1,
                    0.1, 0.05, 1);
        };
        step.run(); // writes its tables
        long before = backend.launches();
        step.run();
        assertEquals(3, backend.launches() - before);
        all[2][7] = backend.allocate(DType.F32, 3);
        before = backend.launches();
        step.run();
        assertEquals(4, backend.launches() - before, "a tensor has moved: one table is written again");
    }

    /**
     * What follows a product of cuBLAS is what the portable kernel does itself: the same bits, whatever computed the
     * product.
     */
    @Test
    void whatFollowsAProductIsTheSameEitherWay() {
        Device device = Devices.open(Settings.of(System.getenv())).device;
        int m = 5;
        int k = 7;
        int n = 300;
        Rng rng = Rng.of(3);
        Storage x = random(rng, m * k);
        Storage w = random(rng, k * n);
        Storage bias = random(rng, n);
        Storage residual = random(rng, m * n);
        for (boolean gelu : new boolean[] {false, true}) {
            float[][] got = new float[2][];
            for (int i = 0; i < 2; i++) {
                Storage y = backend.allocate(DType.F32, m * n);
                Storage pre = gelu ? backend.allocate(DType.F32, m * n) : null;
                Product product = new Product(y, x, w, m, k, n);
                if (i == 0) {
                    product.then(bias, residual, pre).launch(device);
                } else {
                    product.launch(device);
                    product.then(bias, residual, pre).finish(device);
                }
                got[i] = read(y, m * n);
                if (gelu) {
                    float[] before = read(pre, m * n);
                    assertTrue(before[3] != got[i][3] && before[3] != 0, "both sides of the GELU");
                }
            }
            assertArrayEquals(got[0], got[1]);
        }
    }

    private Storage random(Rng rng, int n) {
        float[] values = new float[n];
        for (int i = 0; i < n; i++) {
            values[i] = (float) rng.nextGaussian();
        }
        Storage s = backend.allocate(DType.F32, n);
        backend.write(s, values, 0, n);
        return s;
    }

    private float[] read(Storage s, int n) {
        float[] values = new float[n];
        backend.read(s, values, 0, n);
        return values;
    }

    @Test
    void cuBlasThatWasAskedForAndIsNotThereIsAnError() {
        for (Products wanted : Products.values()) {
            Settings settings = new Settings(0, 0, 0, 0, wanted, "/nowhere/libcublas.so", null, true);
            if (wanted == Products.PORTABLE) {
                assertEquals(wanted, Devices.products(Devices.find(settings), settings));
            } else {
                UserError e = assertThrows(UserError.class,
                        () -> Devices.products(Devices.find(settings), settings));
                assertTrue(
                        e.getMessage().startsWith(Settings.PRODUCTS + "=" + Settings.word(wanted))
                                || e.getMessage().startsWith(Settings.CUBLAS + "=/nowhere/libcublas.so"),
                        e::getMessage);
            }
        }
    }

    private static Field field(String name) throws ReflectiveOperationException {
        Field field = Device.class.getDeclaredField(name);
        field.setAccessible(true);
        return field;
    }

    @Test
    void memoryOfAnotherBackendIsAnError() {
        try (Backend scalar = Backends.open("scalar", 1)) {
            Storage heap = scalar.allocate(DType.F32, 3);
            Exception e = assertThrows(IllegalArgumentException.class, () -> backend.kernels().fill(heap, 3, 1));
            assertTrue(e.getMessage().contains("is not memory of backend 'tornado'"), e::getMessage);
        }
        assertThrows(IllegalArgumentException.class, () -> backend.allocate(DType.F64, 3));
    }
}
