// SPDX-License-Identifier: Apache-2.0
package io.eslm.select.objective;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.autograd.Variable;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.Hooks;
import io.eslm.gpt2.Weights;
import io.eslm.gpt2.data.TokenData;
import io.eslm.gpt2.option.OptionError;
import io.eslm.gpt2.train.MicroBatch;
import io.eslm.gpt2.train.MicroBatch.Loss;
import io.eslm.gpt2.train.Objective;
import io.eslm.gpt2.train.TrainOptions;
import io.eslm.gpt2.train.Trainer;
import io.eslm.select.MethodSpec;
import io.eslm.select.token.ValueAtRisk;
import io.eslm.tensor.Rng;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntUnaryOperator;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** One threshold for all micro-batches of a step: the value-at-risk of all their risks, also where many are equal. */
class StepTailTest {
    private static final int STEPS = 5;
    private static final int GRAD_ACCUM = 4;
    private static final Gpt2Config CONFIG = Gpt2Config.of(2, 2, 16, 12).with(Gpt2Config.VOCAB_SIZE, 31);
    @TempDir
    private Path dir;

    /** Another method, and what it has returned and learnt. */
    private record Spy(Objective method, List<Loss> losses, List<float[]> risks) implements Objective {
        @Override
        public String name() {
            return method.name();
        }

        @Override
        public Loss of(MicroBatch batch) {
            losses.add(method.of(batch));
            return losses.getLast();
        }

        @Override
        public boolean shareRisks(UnaryOperator<float[]> all) {
            return method.shareRisks(mine -> {
                risks.add(all.apply(mine));
                return risks.getLast();
            });
        }
    }

    private TokenData data(IntUnaryOperator token) throws IOException {
        return LaterLossesTest.data(dir.resolve("data"), token);
    }

    /** Trains; returns the weights. */
    private static float[] train(Objective method, TokenData data, int gradAccum, boolean ordered, Hooks... hooks) {
        TrainOptions options = TrainOptions.defaults().with(TrainOptions.MAX_ITERS, STEPS)
                .with(TrainOptions.BATCH_SIZE, 3).with(TrainOptions.GRAD_ACCUM, gradAccum)
                .with(TrainOptions.WARMUP_ITERS, 2).with(TrainOptions.EVAL_INTERVAL, 0)
                .with(TrainOptions.ORDERED_SUM, ordered);
        try (Backend backend = Backends.open("scalar", 1)) {
            Gpt2 model = new Gpt2(CONFIG, backend, Weights.random(CONFIG, backend, Rng.of(3)));
            List.of(hooks).forEach(model::addHooks);
            try (Trainer trainer = new Trainer(model, method, data, options, _ -> {
            })) {
                for (int i = 0; i < STEPS; i++) {
                    trainer.oneStep();
                }
            }
            return model.parameters().values().iterator().next().value().toFloats();
        }
    }

    private static Objective method(String spec) {
        return MethodSpec.parse(spec).objective(_ -> null);
    }

    @ParameterizedTest
    @ValueSource(strings = {"cvar-loss:alpha=0.3", "cvar-loss:alpha=0.95", "var-entropy:alpha=0.5,alpha-end=0.7"})
    void theThresholdIsThatOfAllTokens(String spec) throws IOException {
        Spy spy = new Spy(method(spec + ",global-value-at-risk=true"), new ArrayList<>(), new ArrayList<>());
        train(spy, data(i -> i / 90 % 5 * 6), GRAD_ACCUM, true);
        assertEquals(2 * GRAD_ACCUM * STEPS, spy.losses.size());
        boolean none = false;
        boolean ties = false;
        for (int step = 0; step < STEPS; step++) {
            int last = (2 * step + 2) * GRAD_ACCUM;
            float[] all = spy.risks.get(last - 1);
            assertEquals(GRAD_ACCUM * 3 * 12, all.length);
            double alpha = spy.losses.get(last - 1).alpha();
            float threshold = ValueAtRisk.of(all, alpha);
            int expected = 0;
            for (float risk : all) {
                expected += risk >= threshold ? 1 : 0;
            }
            int kept = 0;
            for (Loss loss : spy.losses.subList(last - GRAD_ACCUM, last)) {
                assertEquals(threshold, loss.valueAtRisk());
                kept += loss.kept();
                none |= loss.kept() == 0;
            }
            assertEquals(expected, kept);
            ties |= expected > all.length - ValueAtRisk.rank(all.length, alpha) + 1;
        }
        assertTrue(ties, "risks that equal the threshold");
        assertEquals(spec.contains("0.95"), none, "a micro-batch of which nothing is kept");
    }

    /** The risks are those of the model that the gradients are of, and a hook sees each micro-batch once. */
    @Test
    void aHookThatReplacesAnActivationChangesTheRisksToo() throws IOException {
        List<float[]> shown = new ArrayList<>();
        Hooks tripled = new Hooks() {
            @Override
            public boolean reads(String name) {
                return name.equals("loss");
            }

            @Override
            public void read(String name, Tensor value) {
                shown.add(value.toFloats());
            }

            @Override
            public boolean replaces(String name) {
                return name.equals("ln_final");
            }

            @Override
            public Variable replace(String name, Variable x) {
                return x.mul(3);
            }
        };
        Spy spy =
                new Spy(method("cvar-loss:alpha=0.3,global-value-at-risk=true"), new ArrayList<>(), new ArrayList<>());
        train(spy, data(i -> i * i % 31), GRAD_ACCUM, true, tripled);
        assertEquals(GRAD_ACCUM * STEPS, shown.size());
        for (int step = 0; step < STEPS; step++) {
            float[] all = spy.risks.get((2 * step + 2) * GRAD_ACCUM - 1);
            for (int i = 0; i < GRAD_ACCUM; i++) {
                float[] losses = shown.get(step * GRAD_ACCUM + i);
                assertArrayEquals(losses, Arrays.copyOfRange(all, i * losses.length, (i + 1) * losses.length));
            }
        }
    }

    @Test
    void atLevelZeroItIsPlainTraining() throws IOException {
        TokenData data = data(i -> i / 90 % 5 * 6);
        assertArrayEquals(train(method("clm"), data, GRAD_ACCUM, true),
                train(method("cvar-loss:alpha=0,global-value-at-risk=true"), data, GRAD_ACCUM, true));
    }

    @Test
    void oneMicroBatchIsTheStep() throws IOException {
        TokenData data = data(i -> i * i % 31);
        float[] usual = train(method("cvar-loss:alpha=0.4"), data, 1, false);
        assertArrayEquals(usual, train(method("cvar-loss:alpha=0.4,global-value-at-risk=true"), data, 1, false));
    }

    @Test
    void addingInPlaceIsRefused() throws IOException {
        TokenData data = data(i -> i % 31);
        OptionError e = assertThrows(OptionError.class,
                () -> train(method("cvar-loss:alpha=0.4,global-value-at-risk=true"), data, 2, false));
        assertEquals(
                "ordered sum false: method cvar-loss:alpha=0.4,global-value-at-risk=true chooses among the tokens of all "
                        + "micro-batches of a step, and needs it",
                e.getMessage());
    }
}
