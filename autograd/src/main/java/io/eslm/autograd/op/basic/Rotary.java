// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.op.basic;

import io.eslm.autograd.Elementwise;
import io.eslm.autograd.Op;
import io.eslm.autograd.OpContext;
import io.eslm.autograd.check.Sample;
import io.eslm.autograd.check.SampleSource;
import io.eslm.tensor.Checks;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.ArrayKernels.Binary;
import java.util.stream.Stream;

/**
 * Rotary position embedding (Su et al. 2021, equation 34) in Llama's form, Hugging Face's {@code rotate_half}: with the angle
 * φ = t·base^(−2i/D) of position t, each pair (x[t, i], x[t, i + D/2]) is turned by φ:
 * y[t, i] = x[t, i]·cos φ − x[t, i + D/2]·sin φ and y[t, i + D/2] = x[t, i + D/2]·cos φ + x[t, i]·sin φ.
 * x (…, T, D), D even → same shape. dx is dy turned back.
 *
 * @param base 10000 in the paper and in Llama 2
 * @param from position of the first of the T rows
 */
public record Rotary(double base, int from) implements Op {
    @Override
    public Tensor forward(OpContext context, Tensor... x) {
        Checks.check(x[0].rank() >= 2 && x[0].dim(-1) % 2 == 0, "rotary",
                "needs (…, positions, an even number of columns), was given %s", x[0].shape());
        return turn(context, x[0], 1);
    }

    @Override
    public void backward(OpContext context, Tensor dy) {
        context.accumulate(0, turn(context, dy, -1));
    }

    /** x·cos φ + swap(x)·(−sin φ, sin φ), where swap exchanges the two halves of the last axis. */
    private Tensor turn(OpContext context, Tensor x, int direction) {
        int time = x.dim(-2);
        int half = x.dim(-1) / 2;
        double[] cos = new double[time * 2 * half];
        double[] sin = new double[cos.length];
        for (int t = 0; t < time; t++) {
            for (int i = 0; i < half; i++) {
                double angle = direction * (from + t) * Math.pow(base, -(double) i / half);
                int at = t * 2 * half + i;
                cos[at] = Math.cos(angle);
                cos[at + half] = cos[at];
                sin[at] = -Math.sin(angle);
                sin[at + half] = -sin[at];
            }
        }
        Axis last = Axis.of("rotary", -1, x.shape());
        Tensor swapped = context.acquireLike(x);
        Tensor part = context.acquire(x.shape().with(-1, half).dims());
        for (int at = 0; at <= half; at += Math.max(1, half)) {
            last.copyOut(context, part, x, at, half);
            last.copyIn(context, swapped, part, half - at, half);
        }
        Elementwise.binaryInto(context, Binary.MUL, swapped, swapped, table(context, sin, time));
        Tensor y = Elementwise.binary(context, Binary.MUL, x, table(context, cos, time));
        Elementwise.binaryInto(context, Binary.ADD, y, y, swapped);
        return y;
    }

    private static Tensor table(OpContext context, double[] values, int time) {
        Tensor t = context.acquire(time, values.length / Math.max(1, time));
        t.backend().write(t.storage(), values, 0, values.length);
        return t;
    }

    public static Stream<Sample> samples(SampleSource source) {
        return Stream.of(Sample.of(new Rotary(10000, 0), source.normal(5, 6)),
                Sample.of(new Rotary(100, 3), source.normal(2, 2, 4, 2)));
    }
}
