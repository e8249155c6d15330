// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.optim;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.eslm.autograd.Parameter;
import io.eslm.autograd.Tape;
import io.eslm.autograd.Variable;
import io.eslm.autograd.check.GradCheck;
import io.eslm.autograd.check.SampleSource;
import io.eslm.autograd.op.Affine;
import io.eslm.autograd.op.WeightedSum;
import io.eslm.autograd.op.basic.Gelu;
import io.eslm.tensor.DType;
import io.eslm.tensor.Rng;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import io.eslm.tensor.backend.Workspace;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class AdamWTest {
    private final Backend backend = Backends.open("scalar", 1);
    private final SampleSource source = new SampleSource(backend, DType.F64, Rng.of(5));

    @AfterEach
    void close() {
        backend.close();
    }

    private Map<String, Parameter> parameters() {
        Map<String, Parameter> parameters = new LinkedHashMap<>();
        parameters.put("weight", new Parameter(source.normal(3, 2)));
        parameters.put("bias", new Parameter(source.normal(2)));
        return parameters;
    }

    private void setGradient(Parameter p, double... values) {
        backend.write(p.gradient().storage(), values, 0, values.length);
    }

    // ---- AdamW

    /** Loshchilov, Hutter 2019, algorithm 2, in PyTorch's order: decay first, then the step. */
    private static final class Reference {
        private final double[] x;
        private final double[] m;
        private final double[] v;
        private int t;

        Reference(double[] x) {
            this.x = x;
            m = new double[x.length];
            v = new double[x.length];
        }

        void step(double[] gradient, double scale, double lr, AdamWOptions o, double decay) {
            t++;
            for (int i = 0; i < x.length; i++) {
                double g = gradient[i] * scale;
                m[i] = o.beta1() * m[i] + (1 - o.beta1()) * g;
                v[i] = o.beta2() * v[i] + (1 - o.beta2()) * g * g;
                double mHat = m[i] / (1 - Math.pow(o.beta1(), t));
                double vHat = v[i] / (1 - Math.pow(o.beta2(), t));
                x[i] -= lr * decay * x[i];
                x[i] -= lr * mHat / (Math.sqrt(vHat) + o.eps());
            }
        }
    }

    @Test
    void adamWFollowsItsEquationsOver100Steps() {
        AdamWOptions options = AdamWOptions.DEFAULT;
        Map<String, Parameter> parameters = parameters();
        AdamW adamW = new AdamW(parameters, options);
        Reference weight = new Reference(parameters.get("weight").value().toDoubles());
        Reference bias = new Reference(parameters.get("bias").value().toDoubles());
        Rng rng = Rng.of(6);
        for (int step = 0; step < 100; step++) {
            double[] dWeight = GradCheck.weights(6, rng);
            double[] dBias = GradCheck.weights(2, rng);
            setGradient(parameters.get("weight"), dWeight);
            setGradient(parameters.get("bias"), dBias);
            double lr = 0.01 / (step + 1);
            adamW.step(lr, 0.5);
            weight.step(dWeight, 0.5, lr, options, 0.1);
            bias.step(dBias, 0.5, lr, options, 0);
        }
        // 100 steps of a few roundings each on values of order 1.
        assertArrayEquals(weight.x, parameters.get("weight").value().toDoubles(), 1e-13);
        assertArrayEquals(bias.x, parameters.get("bias").value().toDoubles(), 1e-13, "rank 1 must not decay");
        assertArrayEquals(weight.m, adamW.state().get("m").get("weight").toDoubles(), 1e-13);
        assertArrayEquals(weight.v, adamW.state().get("v").get("weight").toDoubles(), 1e-13);
        assertEquals(100, adamW.stepCount());
    }

    @Test
    void aRestoredAdamWContinuesWithTheSameBits() {
        Map<String, Parameter> parameters = parameters();
        AdamW adamW = new AdamW(parameters, AdamWOptions.DEFAULT);
        double[] g = {1, -2, 3, -4, 5, -6};
        setGradient(parameters.get("weight"), g);
        adamW.step(0.1);
        Map<String, Parameter> copies = new LinkedHashMap<>();
        parameters.forEach((name, p) -> copies.put(name, new Parameter(copy(p.value()))));
        AdamW restored = new AdamW(copies, AdamWOptions.DEFAULT);
        copies.keySet().forEach(name -> {
            write(restored.state().get("m").get(name), adamW.state().get("m").get(name));
            write(restored.state().get("v").get(name), adamW.state().get("v").get(name));
        });
        restored.restoreStepCount(adamW.stepCount());
        setGradient(copies.get("weight"), g);
        setGradient(parameters.get("weight"), g);
        adamW.step(0.1);
        restored.step(0.1);
        assertEquals(2, restored.stepCount());
        assertArrayEquals(parameters.get("weight").value().toDoubles(), copies.get("weight").value().toDoubles());
    }

    private Tensor copy(Tensor t) {
        return Tensor.of(backend, t.dtype(), t.toDoubles(), t.shape().dims());
    }

    private void write(Tensor to, Tensor from) {
        backend.write(to.storage(), from.toDoubles(), 0, from.size());
    }

    @Test
    void adamWOptionsAreChecked() {
        assertEquals("beta2 1.0: must be in [0, 1)", message(() -> AdamWOptions.DEFAULT.withBeta2(1)));
        assertEquals("beta1 NaN: must be in [0, 1)", message(() -> AdamWOptions.DEFAULT.withBeta1(Double.NaN)));
        assertEquals("weight decay -0.1: must be a number of at least 0",
                message(() -> AdamWOptions.DEFAULT.withWeightDecay(-0.1)));
        assertEquals("eps 0.0: must be a positive number", message(() -> AdamWOptions.DEFAULT.withEps(0)));
    }

    private static String message(Runnable mistake) {
        return assertThrows(UserError.class, mistake::run).getMessage();
    }

    // ---- gradient accumulation

    /** k backward passes over parts of a batch with weights 1/k give the gradient of the batch. */
    @Test
    void partsOfABatchAddUpToTheBatch() {
        Map<String, Parameter> whole = parameters();
        Map<String, Parameter> parts = new LinkedHashMap<>();
        whole.forEach((name, p) -> parts.put(name, new Parameter(p.value())));
        Tensor x = source.normal(8, 3);
        Workspace workspace = new Workspace(backend);
        backward(workspace, whole, x, 8);
        for (int k = 0; k < 4; k++) {
            backward(workspace, parts, x.rows(2 * k, 2), 8);
        }
        whole.forEach((name, p) -> {
            double[] expected = p.gradient().toDoubles();
            // Eight terms of order 1 in another order.
            assertArrayEquals(expected, parts.get(name).gradient().toDoubles(), 16 * 0x1p-53 * 8, name);
        });
    }

    /** Adds the gradient of Σ gelu(x·w + b) / share. */
    private static void backward(Workspace workspace, Map<String, Parameter> parameters, Tensor x, double share) {
        try (Tape tape = Tape.recording(workspace, Rng.of(0))) {
            Variable y = tape.apply(new Gelu(),
                    tape.apply(new Affine(), tape.constant(x), parameters.get("weight"), parameters.get("bias")));
            Tensor weights = Tensor.zeros(x.backend(), DType.F64, y.shape().dims());
            x.kernels().fill(weights.storage(), weights.size(), 1 / share);
            tape.backward(tape.apply(new WeightedSum(null, weights), y));
        }
    }

    // ---- Schedule

    @Test
    void cosineScheduleIsNanoGpts() {
        Schedule schedule = Schedule.constant(6e-4).withWarmup(100).withCosineDecay(6e-5, 1100);
        assertEquals(6e-4 * 1 / 101, schedule.at(0), 1e-18);
        assertEquals(6e-4 * 100 / 101, schedule.at(99), 1e-18);
        assertEquals(6e-4, schedule.at(100), 1e-18);
        assertEquals((6e-4 + 6e-5) / 2, schedule.at(600), 1e-18, "half way");
        assertEquals(6e-5 + 0.5 * (1 + Math.sqrt(0.5)) * 5.4e-4, schedule.at(350), 1e-18, "a quarter: cos(π/4) = √½");
        assertEquals(6e-5, schedule.at(1100), 1e-18);
        assertEquals(6e-5, schedule.at(5000));
        assertEquals(1e-3, Schedule.constant(1e-3).withCosineDecay(0, 10).at(0), "no warmup");
    }

    @Test
    void constantScheduleMayWarmUp() {
        assertEquals(0.5, Schedule.constant(0.5).at(0));
        Schedule schedule = Schedule.constant(0.3).withWarmup(2);
        assertArrayEquals(new double[] {0.1, 0.2, 0.3, 0.3},
                new double[] {schedule.at(0), schedule.at(1), schedule.at(2), schedule.at(1_000_000)}, 1e-16);
    }

    @Test
    void schedulesAreChecked() {
        Schedule one = Schedule.constant(1);
        assertEquals("warmup iters 100: must be less than max iters 100",
                message(() -> one.withWarmup(100).withCosineDecay(0, 100)));
        assertEquals("warmup iters -1: must be at least 0", message(() -> one.withWarmup(-1)));
        assertEquals("min lr 2.0: must be at most learning rate 1.0", message(() -> one.withCosineDecay(2, 1)));
        assertEquals("learning rate NaN: must be a number of at least 0", message(() -> Schedule.constant(Double.NaN)));
    }
}
