// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.optim;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

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

class OptimTest {
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

        void step(double[] gradient, double scale, double lr, AdamW.Options o, double decay) {
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
        AdamW.Options options = new AdamW.Options(0.9, 0.95, 1e-8, 0.1);
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
        assertArrayEquals(weight.m, adamW.firstMoments().get("weight").toDoubles(), 1e-13);
        assertArrayEquals(weight.v, adamW.secondMoments().get("weight").toDoubles(), 1e-13);
        assertEquals(100, adamW.stepCount());
    }

    @Test
    void aRestoredAdamWContinuesWithTheSameBits() {
        Map<String, Parameter> parameters = parameters();
        AdamW adamW = new AdamW(parameters, AdamW.Options.DEFAULT);
        double[] g = {1, -2, 3, -4, 5, -6};
        setGradient(parameters.get("weight"), g);
        adamW.step(0.1, 1);
        Map<String, Parameter> copies = new LinkedHashMap<>();
        parameters.forEach((name, p) -> copies.put(name, new Parameter(copy(p.value()))));
        AdamW restored = new AdamW(copies, AdamW.Options.DEFAULT);
        copies.keySet().forEach(name -> {
            write(restored.firstMoments().get(name), adamW.firstMoments().get(name));
            write(restored.secondMoments().get(name), adamW.secondMoments().get(name));
        });
        restored.restoreStepCount(adamW.stepCount());
        setGradient(copies.get("weight"), g);
        adamW.step(0.1, 1);
        restored.step(0.1, 1);
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
        assertEquals("--beta2 1.0: must be in [0, 1)", message(() -> new AdamW.Options(0.9, 1, 1e-8, 0)));
        assertEquals("--beta1 NaN: must be in [0, 1)", message(() -> new AdamW.Options(Double.NaN, 0, 1e-8, 0)));
        assertEquals("--weight-decay -0.1: must be a number that is not negative",
                message(() -> new AdamW.Options(0.9, 0.95, 1e-8, -0.1)));
        assertEquals("--eps 0.0: must be a positive number", message(() -> new AdamW.Options(0.9, 0.95, 0, 0)));
    }

    private static String message(Runnable mistake) {
        return assertThrows(UserError.class, mistake::run).getMessage();
    }

    // ---- ClipNorm

    @Test
    void theNormIsThatOfAllGradientsTogether() {
        Map<String, Parameter> parameters = parameters();
        setGradient(parameters.get("weight"), 3, 0, 0, 0, 0, 0);
        setGradient(parameters.get("bias"), 0, 4);
        ClipNorm clip = new ClipNorm(parameters, 2);
        assertEquals(5, clip.norm());
        assertEquals(5, clip.norm(), "measuring twice changes nothing");
        assertEquals(2 / (5 + 1e-6), clip.scale(5));
        assertEquals(1, clip.scale(1.5), "gradients are never enlarged");
        assertEquals(1, new ClipNorm(parameters, 0).scale(5), "0 is off");
        assertEquals(0, new ClipNorm(Map.of(), 1).norm());
        parameters.get("bias").clearGradient();
        assertEquals(3, clip.norm(), "a cleared gradient counts as zero");
    }

    @Test
    void aNormThatIsNotFiniteIsReported() {
        Map<String, Parameter> parameters = parameters();
        ClipNorm clip = new ClipNorm(parameters, 1);
        setGradient(parameters.get("bias"), 0, Double.POSITIVE_INFINITY);
        assertEquals(Double.POSITIVE_INFINITY, clip.norm());
        setGradient(parameters.get("bias"), 0, Double.NaN);
        assertTrue(Double.isNaN(clip.norm()));
        assertEquals("clip norm: the gradient norm is NaN; no step can be taken",
                assertThrows(IllegalArgumentException.class, () -> clip.scale(clip.norm())).getMessage());
        assertEquals("--grad-clip -1.0: must be a number that is not negative; 0 switches it off",
                message(() -> new ClipNorm(parameters, -1)));
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
        Schedule schedule = new Schedule.WarmupCosine(6e-4, 6e-5, 100, 1100);
        assertEquals(6e-4 * 1 / 101, schedule.at(0), 1e-18);
        assertEquals(6e-4 * 100 / 101, schedule.at(99), 1e-18);
        assertEquals(6e-4, schedule.at(100), 1e-18);
        assertEquals((6e-4 + 6e-5) / 2, schedule.at(600), 1e-18, "half way");
        assertEquals(6e-5 + 0.5 * (1 + Math.sqrt(0.5)) * 5.4e-4, schedule.at(350), 1e-18, "a quarter: cos(π/4) = √½");
        assertEquals(6e-5, schedule.at(1100), 1e-18);
        assertEquals(6e-5, schedule.at(5000));
        assertEquals(1e-3, new Schedule.WarmupCosine(1e-3, 0, 0, 10).at(0), "no warm-up");
    }

    @Test
    void constantScheduleMayWarmUp() {
        assertEquals(0.5, new Schedule.Constant(0.5).at(0));
        Schedule schedule = new Schedule.Constant(0.3, 2);
        assertArrayEquals(new double[] {0.1, 0.2, 0.3, 0.3},
                new double[] {schedule.at(0), schedule.at(1), schedule.at(2), schedule.at(1_000_000)}, 1e-16);
    }

    @Test
    void schedulesAreChecked() {
        assertEquals("--warmup-iters 100: must be less than the 100 steps after which the learning rate has decayed "
                + "(--max-iters)", message(() -> new Schedule.WarmupCosine(1, 0, 100, 100)));
        assertEquals("--warmup-iters -1: must not be negative", message(() -> new Schedule.Constant(1, -1)));
        assertEquals("--min-lr 2.0: must not exceed --learning-rate 1.0",
                message(() -> new Schedule.WarmupCosine(1, 2, 0, 1)));
        assertEquals("--learning-rate NaN: must be a number that is not negative",
                message(() -> new Schedule.Constant(Double.NaN)));
    }
}
