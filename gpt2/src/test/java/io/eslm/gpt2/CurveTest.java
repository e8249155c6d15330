// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.autograd.Tape;
import io.eslm.autograd.optim.AdamW;
import io.eslm.autograd.optim.AdamWOptions;
import io.eslm.autograd.optim.Optimizer;
import io.eslm.gpt2.Golden.Precision;
import io.eslm.gpt2.Gpt2.TokenLosses;
import io.eslm.gpt2.train.MicroBatch;
import io.eslm.gpt2.train.MicroBatch.Loss;
import io.eslm.gpt2.train.Selection;
import io.eslm.tensor.Rng;
import io.eslm.tensor.backend.Workspace;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Compares fifty training steps with PyTorch's, from the same weights on the same batches; see tools/golden. */
class CurveTest {
    private static final int STEPS = 50;
    private static final double RATE = 1e-2;
    /** In nats: 20 times the observed difference (5e-7, half of it the rounding of the reference); small errors do not grow. */
    private static final double TOLERANCE = 1e-5;

    static Stream<Arguments> cases() {
        return Stream.of("clm", "cvar-loss").flatMap(
                method -> Stream.of(Precision.SCALAR, Precision.VECTOR)
                        .map(precision -> Arguments.of(method, precision)));
    }

    @ParameterizedTest
    @MethodSource("cases")
    void lossesLieOnTheCurve(String method, Precision precision) {
        try (Golden golden = new Golden("curve", precision)) {
            Gpt2 model = golden.model();
            double[] expected = golden.doubles(method + ".loss");
            double[] expectedKept = golden.doubles(method + ".kept_loss");
            double[] expectedNorm = golden.doubles(method + ".grad_norm");
            assertTrue(expected[0] > 4 && expected[STEPS - 1] < 2.5, "the reference learns");
            assertEquals(RATE, golden.setting("rate"));
            double alpha = method.equals("clm") ? 0 : golden.setting("alpha");
            AdamW optimizer = new AdamW(model.parameters(), new AdamWOptions(0.9, 0.95, 1e-8, 0.1));
            try (Tape tape = Tape.recording(new Workspace(model.backend()), Rng.of(0))) {
                for (int step = 0; step < STEPS; step++) {
                    tape.reset();
                    model.clearGradients();
                    Loss loss = loss(tape, golden, step, alpha);
                    tape.backward(loss.loss());
                    double norm = optimizer.gradientNorm();
                    optimizer.step(RATE, Optimizer.clipScale(norm, golden.setting("clip")));
                    assertEquals(expected[step], loss.lossSum() / loss.tokens(), TOLERANCE, "loss of step " + step);
                    assertEquals(expectedKept[step], loss.keptLossSum() / loss.kept(), TOLERANCE,
                            "kept loss of step " + step);
                    assertEquals(expectedNorm[step], norm, 3 * TOLERANCE, "gradient norm of step " + step);
                }
            }
        }
    }

    private static Loss loss(Tape tape, Golden golden, int step, double alpha) {
        int batch = golden.dim("tokens", 1);
        int time = golden.dim("tokens", 2) - 1;
        int[] tokens = golden.ints("tokens");
        int[] inputs = new int[batch * time];
        int[] targets = new int[batch * time];
        for (int b = 0; b < batch; b++) {
            int from = (step * batch + b) * (time + 1);
            System.arraycopy(tokens, from, inputs, b * time, time);
            System.arraycopy(tokens, from + 1, targets, b * time, time);
        }
        MicroBatch micro = new MicroBatch(tape, golden.model(), tape.put(inputs, batch, time),
                tape.put(targets, targets.length), Rng.of(step), 1, 0);
        TokenLosses losses = micro.losses();
        float[] order = losses.lossValues().clone();
        Arrays.sort(order);
        float threshold = order[Math.max(0, (int) Math.ceil(alpha * order.length) - 1)];
        boolean[] keep = new boolean[order.length];
        for (int i = 0; i < keep.length; i++) {
            keep[i] = losses.lossValues()[i] >= threshold;
        }
        return micro.over(Selection.mean(keep, threshold, alpha), losses);
    }
}
