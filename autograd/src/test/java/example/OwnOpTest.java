// SPDX-License-Identifier: Apache-2.0
package example;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.autograd.Elementwise;
import io.eslm.autograd.Op;
import io.eslm.autograd.OpContext;
import io.eslm.autograd.check.GradCheck;
import io.eslm.autograd.check.SampleSource;
import io.eslm.autograd.op.basic.Axis;
import io.eslm.tensor.DType;
import io.eslm.tensor.Rng;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import io.eslm.tensor.backend.ArrayKernels.Binary;
import io.eslm.tensor.backend.ArrayKernels.Reduction;
import org.junit.jupiter.api.Test;

/** Ops written outside the project, against its public API. */
class OwnOpTest {
    /** y = x² + b, broadcast. dx = 2·dy·x, db = dy. */
    private record SquarePlus() implements Op {
        @Override
        public Tensor forward(OpContext context, Tensor... in) {
            return Elementwise.binary(context, Binary.ADD, Elementwise.binary(context, Binary.MUL, in[0], in[0]),
                    in[1]);
        }

        @Override
        public void backward(OpContext context, Tensor dy) {
            if (context.needs(0)) {
                Tensor twice = Elementwise.binary(context, Binary.ADD, context.input(0), context.input(0));
                Elementwise.accumulate(context, 0, Elementwise.binary(context, Binary.MUL, dy, twice));
            }
            Elementwise.accumulate(context, 1, dy);
        }
    }

    /** y = the sum over the rows of x·w in one pass; dw is written where it belongs. */
    private record ProjectedSum() implements Op {
        @Override
        public Tensor forward(OpContext context, Tensor... in) {
            Tensor y = context.acquire(in[0].dim(0), in[1].dim(1));
            context.kernels().matmul(y.storage(), in[0].storage(), in[1].storage(), in[0].dim(0), in[0].dim(1),
                    in[1].dim(1), false, false, false);
            return Axis.of(name(), 0, y.shape()).reduce(context, Reduction.SUM, y, false);
        }

        @Override
        public void backward(OpContext context, Tensor dy) {
            Tensor x = context.input(0);
            Tensor w = context.input(1);
            Tensor all = context.acquire(x.dim(0), w.dim(1));
            Axis.of(name(), 0, all.shape()).combine(context, Binary.ADD, all, fill(context, all), dy);
            if (context.needs(1)) {
                OpContext.Slot dw = context.gradient(1);
                context.kernels().matmul(dw.storage(), x.storage(), all.storage(), w.dim(0), x.dim(0), w.dim(1), true,
                        false, dw.accumulate());
            }
            if (context.needs(0)) {
                OpContext.Slot dx = context.gradientOfRows(0);
                context.kernels().matmul(dx.storage(), all.storage(), w.storage(), x.dim(0), w.dim(1), w.dim(0), false,
                        true, dx.accumulate());
            }
        }

        private static Tensor fill(OpContext context, Tensor t) {
            context.kernels().fill(t.storage(), t.size(), 0);
            return t;
        }
    }

    /** The gradient is half of what it should be. */
    private record Wrong() implements Op {
        @Override
        public Tensor forward(OpContext context, Tensor... x) {
            return Elementwise.binary(context, Binary.ADD, x[0], x[0]);
        }

        @Override
        public void backward(OpContext context, Tensor dy) {
            context.accumulate(0, dy);
        }
    }

    @Test
    void theGradientCheckTakesThem() {
        try (Backend backend = Backends.open("scalar", 1)) {
            SampleSource source = new SampleSource(backend, DType.F64, Rng.of(1));
            GradCheck.check(new SquarePlus(), source.normal(4, 3), source.normal(3));
            GradCheck.check(new ProjectedSum(), source.normal(4, 3), source.normal(3, 2));
            String message = assertThrows(AssertionError.class, () -> GradCheck.check(new Wrong(), source.normal(2)))
                    .getMessage();
            assertTrue(message
                    .matches("Wrong: input 0 at \\(0\\) of \\(2\\): backward gives \\S+, differences give \\S+; the "
                            + "error is 0\\.\\d+ of the largest gradient, the limit is 1\\.0e-07"),
                    message);
        }
    }
}
