// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.autograd.check.GradCheck;
import io.eslm.autograd.check.SampleSource;
import io.eslm.tensor.DType;
import io.eslm.tensor.Rng;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import io.eslm.tensor.backend.ArrayKernels.Unary;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

/** The check itself: it must find a gradient that is wrong, and say where. */
class GradCheckTest {
    private static final Backend SCALAR = Backends.open("scalar", 1);
    private final Tensor x = new SampleSource(SCALAR, DType.F64, Rng.of(1)).normal(2, 3);

    @AfterAll
    static void close() {
        SCALAR.close();
    }

    /** y = 3x², with a gradient that is wrong by {@code factor} in elements from {@code from} on. */
    private record Wrong(double factor, int from) implements Op {
        @Override
        public Tensor forward(OpContext context, Tensor... in) {
            Tensor y = context.acquireLike(in[0]);
            context.kernels().unary(Unary.SQUARE, y.storage(), in[0].storage(), y.size());
            context.kernels().axpby(y.storage(), y.storage(), y.size(), 3, 0);
            return y;
        }

        @Override
        public void backward(OpContext context, Tensor dy) {
            double[] g = dy.toDoubles();
            double[] x = context.input(0).toDoubles();
            for (int i = 0; i < g.length; i++) {
                g[i] *= 6 * x[i] * (i >= from ? factor : 1);
            }
            dy.backend().write(dy.storage(), g, 0, g.length);
            context.accumulate(0, dy);
        }
    }

    private void check(Op op) {
        GradCheck.check("triple square", List.of(x), (tape, v) -> tape.apply(op, v), Rng.of(2));
    }

    @Test
    void aRightGradientPasses() {
        assertDoesNotThrow(() -> check(new Wrong(1, 0)));
        assertDoesNotThrow(() -> check(new Wrong(1 + 1e-10, 0)), "rounding must not fail");
    }

    @Test
    void aWrongGradientFails() {
        assertThrows(AssertionError.class, () -> check(new Wrong(-1, 0)));
        assertThrows(AssertionError.class, () -> check(new Wrong(0, 5)), "one element");
        assertThrows(AssertionError.class, () -> check(new Wrong(1 + 1e-6, 0)), "a constant with six digits");
        assertThrows(AssertionError.class, () -> check(new Wrong(Double.NaN, 5)));
    }

    @Test
    void theMessageSaysWhere() {
        String message = assertThrows(AssertionError.class, () -> check(new Wrong(2, 5))).getMessage();
        assertTrue(message.startsWith("triple square: input 0 at (1, 2) of (2, 3): backward gives "), message);
        assertTrue(message.contains("differences give"), message);
    }

    @Test
    void inputsAreLeftAsTheyWere() {
        double[] before = x.toDoubles();
        check(new Wrong(1, 0));
        assertEquals(List.of(before[0], before[5]), List.of(x.toDoubles()[0], x.toDoubles()[5]));
    }

    @Test
    void float32IsRefused() {
        Tensor single = new SampleSource(SCALAR, DType.F32, Rng.of(1)).normal(2);
        assertThrows(IllegalArgumentException.class,
                () -> GradCheck.check("f32", List.of(single), (tape, v) -> tape.apply(new Wrong(1, 0), v), Rng.of(2)));
    }
}
