// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.tornado;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.eslm.tensor.DType;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import io.eslm.tensor.backend.Storage;
import java.lang.reflect.Field;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import uk.ac.manchester.tornado.api.WorkerGrid;

/** What the device backend does beside computing; skipped, and said so, where there is no device. */
class TornadoBackendTest {
    private Backend backend;

    @BeforeEach
    void open() {
        String why = new TornadoProvider().unusableBecause();
        if (why != null) {
            System.err.println("NOT TESTED: backend 'tornado': " + why);
        }
        assumeTrue(why == null, why);
        backend = Backends.open("tornado", 0);
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

    /** Half of the device's ints, eight times: what nobody holds any more is given out again. */
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

    /** TornadoVM runs a workgroup that is too large for the device in another size, and goes on; the next read does not. */
    @Test
    void aKernelThatDidNotRunIsNoticed() throws ReflectiveOperationException {
        Storage y = backend.allocate(DType.F32, 10);
        Device device = Devices.open(Settings.of(System.getenv())).device;
        WorkerGrid grid = (WorkerGrid) ((List<?>) field("workers").get(device)).get(1 + DeviceKernel.FILL.ordinal());
        grid.setLocalWork(1 << 20, 1, 1);
        backend.kernels().fill(y, 10, 1);
        int lost = field("ticket").getInt(device);
        grid.setLocalWork(DeviceKernel.FILL.localX, 1, 1);
        UserError e = assertThrows(UserError.class, () -> backend.read(y, new float[10], 0, 10));
        assertTrue(e.getMessage().contains("did not run every kernel"), e::getMessage);
        // For the tests that follow; a program stops here.
        field("expected").setInt(device, (field("expected").getInt(device) - lost) & Control.TICKET_MASK);
        backend.read(y, new float[10], 0, 10);
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
