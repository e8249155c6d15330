// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.tensor.DType;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class WorkspaceTest {
    private final Backend backend = Backends.open("scalar", 1);
    private final Workspace workspace = new Workspace(backend);

    @AfterEach
    void close() {
        backend.close();
    }

    /** One after another, as a step takes them. */
    private void step(int... sizes) {
        for (int size : sizes) {
            workspace.release(workspace.acquire(DType.F32, size));
        }
    }

    @Test
    void whatWasReleasedIsHandedOutAgain() {
        Storage first = workspace.acquire(DType.F32, 5000);
        assertNotSame(first, workspace.acquire(DType.F32, 5000), "in use");
        workspace.release(first);
        assertNotSame(first, workspace.acquire(DType.I32, 5000), "another type");
        assertSame(first, workspace.acquire(DType.F32, 4500), "a little smaller");
    }

    /** Each larger than the one before by more than a storage may be too large: only the last is kept. */
    @Test
    void growingStepsKeepWhatTheLastOneNeeds() {
        int size = 10 * 1024;
        for (int i = 0; i < 8; i++) {
            step(size);
            assertEquals(4L * size, workspace.allocatedBytes());
            size = size * 3 / 2 / 1024 * 1024;
        }
    }

    /** Sizes that are near each other may take each other's place at first, but not for ever. */
    @Test
    void aStepOfManySizesSettles() {
        int[] sizes = {40_000, 60_000, 90_000, 130_000, 200_000, 60_000, 300_000, 110_000};
        for (int i = 0; i < sizes.length; i++) {
            step(sizes);
        }
        long settled = workspace.allocatedBytes();
        List<Storage> held = new ArrayList<>();
        for (int size : sizes) {
            held.add(workspace.acquire(DType.F32, size));
            workspace.release(held.getLast());
        }
        for (int i = 0; i < sizes.length; i++) {
            Storage again = workspace.acquire(DType.F32, sizes[i]);
            assertSame(held.get(i), again);
            assertTrue(again.size() >= sizes[i]);
            workspace.release(again);
        }
        assertEquals(settled, workspace.allocatedBytes());
    }
}
