// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.optim;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.autograd.Parameter;
import io.eslm.autograd.check.GradCheck;
import io.eslm.autograd.check.SampleSource;
import io.eslm.tensor.DType;
import io.eslm.tensor.Rng;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What all optimizers share, and SGD. */
class OptimizerTest {
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

    @Test
    void theNormIsThatOfAllGradientsTogether() {
        Map<String, Parameter> parameters = parameters();
        setGradient(parameters.get("weight"), 3, 0, 0, 0, 0, 0);
        setGradient(parameters.get("bias"), 0, 4);
        Sgd sgd = new Sgd(parameters);
        assertEquals(5, sgd.gradientNorm());
        assertEquals(5, sgd.gradientNorm(), "measuring twice changes nothing");
        assertEquals(2 / (5 + 1e-6), Optimizer.clipScale(5, 2));
        assertEquals(1, Optimizer.clipScale(1.5, 2), "gradients are never enlarged");
        assertEquals(1, Optimizer.clipScale(5, 0), "0 is off");
        assertEquals(0, new Sgd(Map.of()).gradientNorm());
        parameters.get("bias").clearGradient();
        assertEquals(3, sgd.gradientNorm(), "a cleared gradient counts as zero");
    }

    @Test
    void aNormThatIsNotFiniteIsReported() {
        Map<String, Parameter> parameters = parameters();
        Sgd sgd = new Sgd(parameters);
        setGradient(parameters.get("bias"), 0, Double.POSITIVE_INFINITY);
        assertEquals(Double.POSITIVE_INFINITY, sgd.gradientNorm());
        setGradient(parameters.get("bias"), 0, Double.NaN);
        assertTrue(Double.isNaN(sgd.gradientNorm()));
        assertEquals("clip norm: the gradient norm is NaN; no step can be taken",
                assertThrows(IllegalArgumentException.class, () -> Optimizer.clipScale(sgd.gradientNorm(), 1))
                        .getMessage());
        assertEquals("clip norm: the largest norm is -1.0, but must be at least 0",
                assertThrows(IllegalArgumentException.class, () -> Optimizer.clipScale(1, -1)).getMessage());
    }

    @Test
    void aStepClearsTheGradients() {
        Map<String, Parameter> parameters = parameters();
        setGradient(parameters.get("bias"), 1, 2);
        double[] before = parameters.get("bias").value().toDoubles();
        Sgd sgd = new Sgd(parameters);
        sgd.step(0.5);
        double[] after = {before[0] - 0.5, before[1] - 1};
        assertArrayEquals(after, parameters.get("bias").value().toDoubles());
        assertArrayEquals(new double[2], parameters.get("bias").gradient().toDoubles());
        sgd.step(0.5);
        assertArrayEquals(after, parameters.get("bias").value().toDoubles(), "no gradient, no change");
    }

    @Test
    void parametersAreOfOneBackendAndType() {
        Map<String, Parameter> parameters = parameters();
        parameters.put("single", new Parameter(Tensor.zeros(backend, DType.F32, 2)));
        String message = assertThrows(IllegalArgumentException.class, () -> new Sgd(parameters)).getMessage();
        assertTrue(message.startsWith("single: element types differ: F64 and F32"), message);
    }

    @Test
    void aStepCountIsNotNegative() {
        assertEquals("optimizer: step count -1 is negative",
                assertThrows(IllegalArgumentException.class, () -> new Sgd(parameters()).restoreStepCount(-1))
                        .getMessage());
    }

    // ---- SGD

    /** torch.optim.SGD's loop, one parameter at a time. */
    private static void reference(double[] x, double[] v, double[] gradient, double scale, double lr, double momentum,
            double weightDecay) {
        for (int i = 0; i < x.length; i++) {
            double g = gradient[i] * scale + weightDecay * x[i];
            v[i] = momentum * v[i] + g;
            x[i] -= lr * v[i];
        }
    }

    @ParameterizedTest
    @CsvSource({"0, 0", "0, 0.1", "0.9, 0", "0.9, 0.1"})
    void sgdFollowsItsEquationsOver100Steps(double momentum, double weightDecay) {
        Map<String, Parameter> parameters = parameters();
        Sgd sgd = new Sgd(parameters, momentum, weightDecay);
        Map<String, double[]> x = new LinkedHashMap<>();
        Map<String, double[]> v = new LinkedHashMap<>();
        parameters.forEach((name, p) -> {
            x.put(name, p.value().toDoubles());
            v.put(name, new double[p.value().size()]);
        });
        Rng rng = Rng.of(6);
        for (int step = 0; step < 100; step++) {
            double lr = 0.01 / (step + 1);
            parameters.forEach((name, p) -> {
                double[] gradient = GradCheck.weights(p.value().size(), rng);
                setGradient(p, gradient);
                reference(x.get(name), v.get(name), gradient, 0.5, lr, momentum, weightDecay);
            });
            sgd.step(lr, 0.5);
        }
        // 100 steps of a few roundings each on values of order 1, which momentum adds up ten times.
        parameters.forEach((name, p) -> assertArrayEquals(x.get(name), p.value().toDoubles(), 1e-13, name));
        sgd.velocities().forEach((name, t) -> assertArrayEquals(v.get(name), t.toDoubles(), 1e-12, name));
        assertEquals(momentum == 0 ? 0 : 2, sgd.velocities().size());
    }

    @Test
    void aRestoredSgdContinuesWithTheSameBits() {
        Map<String, Parameter> parameters = parameters();
        Sgd sgd = new Sgd(parameters, 0.9, 0.01);
        double[] g = {1, -2, 3, -4, 5, -6};
        setGradient(parameters.get("weight"), g);
        sgd.step(0.1);
        Map<String, Parameter> copies = new LinkedHashMap<>();
        parameters.forEach((name, p) -> copies.put(name, new Parameter(p.value().to(backend))));
        Sgd restored = new Sgd(copies, 0.9, 0.01);
        restored.velocities().forEach((name, t) -> {
            double[] saved = sgd.velocities().get(name).toDoubles();
            backend.write(t.storage(), saved, 0, saved.length);
        });
        restored.restoreStepCount(sgd.stepCount());
        setGradient(parameters.get("weight"), g);
        setGradient(copies.get("weight"), g);
        sgd.step(0.1);
        restored.step(0.1);
        assertEquals(2, restored.stepCount());
        assertArrayEquals(parameters.get("weight").value().toDoubles(), copies.get("weight").value().toDoubles());
    }

    @Test
    void sgdsNumbersAreChecked() {
        assertEquals("momentum 1.0: must be in [0, 1)",
                assertThrows(UserError.class, () -> new Sgd(parameters(), 1, 0)).getMessage());
        assertEquals("weight decay NaN: must be a number of at least 0",
                assertThrows(UserError.class, () -> new Sgd(parameters(), 0, Double.NaN)).getMessage());
    }
}
