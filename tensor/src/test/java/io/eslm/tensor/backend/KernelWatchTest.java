// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.eslm.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class KernelWatchTest {
    private final Backend backend = new ScalarBackend();
    private final List<String> seen = new ArrayList<>();
    private final Kernels watched = KernelWatch.of(backend.kernels(), (kernel, arguments, run) -> {
        seen.add(kernel + Arrays.stream(arguments).map(a -> a == null ? " -" : a instanceof Storage ? " s" : " " + a)
                .reduce("", String::concat));
        run.run();
        seen.add("done");
    });

    @Test
    void aCallIsToldWithItsArgumentsAndMade() {
        Tensor y = Tensor.of(backend, new float[] {1, 2}, 2);
        watched.axpby(y.storage(), y.storage(), 2, 0.5, 2);
        watched.linear(y.storage(), y.storage(), y.storage(), null, null, 0, 1, 2);
        watched.dropout(y.storage(), y.storage(), 2, 0, 7);
        assertEquals(List.of("axpby s s 2 0.5 2.0", "done", "linear s s s - - 0 1 2", "done", "dropout s s 2 0.0 7",
                "done"), seen);
        assertArrayEquals(new float[] {2.5f, 5}, y.toFloats());
    }

    @Test
    void theWatchedOneCounts() {
        Storage s = Tensor.of(backend, new float[6], 6).storage();
        watched.matmul(s, s, s, 1, 2, 3, false, false, false);
        assertEquals(2 * 6, backend.flops().total());
    }

    @Test
    void whatAKernelThrowsArrivesAsItIs() {
        Storage s = Tensor.of(backend, new float[2], 2).storage();
        assertThrows(IllegalArgumentException.class, () -> watched.gelu(s, s, 3));
        assertEquals(List.of(), seen, "a call that is not made is not told");
        Kernels failing = KernelWatch.of(new Kernels() {
            @Override
            protected void runGelu(Storage y, Storage x, int n) {
                throw new ArithmeticException("no");
            }
        }, (kernel, arguments, run) -> run.run());
        assertEquals("no", assertThrows(ArithmeticException.class, () -> failing.gelu(s, s, 2)).getMessage());
    }
}
