// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import io.eslm.tensor.DType;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * A kernel that no backend knows, y_i += x_i³ at the places that {@code rows} names, works on every backend: what stands in
 * {@link #cube} is what a new method of {@link Kernels} and its definition would be. A module with a backend of its own extends
 * this class, as it does {@link io.eslm.tensor.backend.parity.KernelParity}.
 */
public abstract class MadeUpKernel {
    private static void cube(Kernels kernels, Storage y, Storage x, Storage rows, int count) {
        KernelBase.floats("cube", y, "y x", 4, y, x);
        KernelBase.ids("cube", "rows", rows, count, 4);
        kernels.plain("cube", h -> {
            for (int i = 0; i < count; i++) {
                int row = (int) h.of(rows).get(i);
                double v = h.of(x).get(row);
                h.of(y).set(row, h.of(y).get(row) + v * v * v);
            }
        });
    }

    protected Stream<BackendProvider> providers() {
        return Backends.all().stream().filter(p -> p.unusableBecause() == null);
    }

    @TestFactory
    Stream<DynamicTest> worksEverywhere() {
        return providers().map(p -> dynamicTest(p.name(), () -> {
            try (Backend backend = p.open(1)) {
                works(backend);
            }
        }));
    }

    private static void works(Backend backend) {
        Storage memory = backend.allocate(DType.F32, 10);
        backend.write(memory, new float[] {9, 1, 1, 1, 1, 2, 3, 4, 5, 9}, 0, 10);
        Storage y = backend.slice(memory, 1, 4);
        Storage x = backend.slice(memory, 5, 4);
        Storage rows = backend.allocate(DType.I32, 2);
        backend.write(rows, new int[] {3, 0}, 0, 2);
        // between two kernels of the backend's own, which must see its result, as it must see theirs
        backend.kernels().axpby(y, y, 4, 2, 0);
        cube(backend.kernels(), y, x, rows, 2);
        backend.kernels().axpby(y, y, 4, 0.5, 0);
        float[] values = new float[10];
        backend.read(memory, values, 0, 10);
        assertArrayEquals(new float[] {9, 5, 1, 1, 63.5f, 2, 3, 4, 5, 9}, values);
        if (!(y instanceof HeapStorage)) {
            DeviceKernels kernels = assertInstanceOf(DeviceKernels.class, backend.kernels());
            assertEquals(1L, kernels.fallbacks().get("cube"));
        }
    }
}
