// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench;

import static io.eslm.gpt2.train.TrainOptions.BATCH_SIZE;
import static io.eslm.gpt2.train.TrainOptions.EVAL_INTERVAL;
import static io.eslm.gpt2.train.TrainOptions.LEARNING_RATE;
import static io.eslm.gpt2.train.TrainOptions.MAX_ITERS;
import static io.eslm.gpt2.train.TrainOptions.MIN_LR;
import static io.eslm.gpt2.train.TrainOptions.SEED;
import static io.eslm.gpt2.train.TrainOptions.WARMUP_ITERS;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.Weights;
import io.eslm.gpt2.train.TrainEvent;
import io.eslm.gpt2.train.TrainOptions;
import io.eslm.gpt2.train.Trainer;
import io.eslm.select.MethodSpec;
import io.eslm.tensor.Rng;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What travels between the host and a backend in a training step: tokens down, risks up, and nothing as large as an activation. */
class TrafficTest {
    private static final int BATCH = 3;
    private static final int TIME = 16;
    private static final int TOKENS = BATCH * TIME;

    /**
     * Down: ids and targets, the weight of each kept token, and its row if not all are kept. Up: the loss of each token, its
     * entropy if the method chooses tokens, and the norm of the gradient.
     */
    @ParameterizedTest
    @CsvSource({"clm, false", "cvar-loss:alpha=0.3, true", "var-entropy:alpha=0.3, true"})
    void aStepMovesTokensAndRisks(String method, boolean some) {
        Gpt2Config config = Gpt2Config.of(2, 2, 32, TIME).with(Gpt2Config.VOCAB_SIZE, 101);
        TrainOptions options =
                TrainOptions.defaults().with(MAX_ITERS, 4).with(BATCH_SIZE, BATCH).with(LEARNING_RATE, 1e-3)
                        .with(MIN_LR, 1e-3).with(WARMUP_ITERS, 0).with(EVAL_INTERVAL, 0).with(SEED, 1L);
        List<Seam.Copy> copies = new ArrayList<>();
        try (Backend plain = Backends.open("vector", 1)) {
            Backend backend = Seam.watch(plain, call -> {
            }, copies::add);
            Gpt2 model = new Gpt2(config, backend, Weights.random(config, backend, Rng.of(1)));
            TrainEvent.Step step = RandomTokens.with(config, 100, data -> {
                try (Trainer trainer =
                        new Trainer(model, MethodSpec.parse(method).objective(_ -> null), data, options,
                                _ -> {})) {
                    trainer.oneStep();
                    copies.clear();
                    return trainer.oneStep();
                }
            });
            long kept = Math.round(step.keptFraction() * TOKENS);
            assertTrue(some ? kept < TOKENS : kept == TOKENS, "kept " + kept);
            assertEquals(4 * (2 * TOKENS + (some ? 2 : 1) * kept), bytes(copies, "write"), copies.toString());
            assertEquals(4L * ((some ? 2 : 1) * TOKENS + 1), bytes(copies, "read"), copies.toString());
        }
    }

    private static long bytes(List<Seam.Copy> copies, String name) {
        return copies.stream().filter(c -> c.name().equals(name)).mapToLong(Seam.Copy::bytes).sum();
    }
}
