// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.autograd.Parameter;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.train.MicroBatch.Loss;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class TrainerTest {
    @TempDir
    private Path dir;
    private Backend backend = Backends.open("vector", 2);

    @AfterEach
    void close() {
        backend.close();
    }

    private Trainer trainer(Gpt2Config config, Objective loss, TrainOptions options, List<TrainEvent> events) {
        return new Trainer(Tiny.model(config, backend), loss, Tiny.data(dir, config.vocabSize()), options, events::add);
    }

    private Trainer trainer(Objective loss) {
        return trainer(Tiny.config(), loss, Tiny.options(100), new ArrayList<>());
    }

    @Test
    void theLossFalls() {
        List<TrainEvent> events = new ArrayList<>();
        TrainOptions options = Tiny.options(100).with(TrainOptions.LEARNING_RATE, 1e-2).with(TrainOptions.MIN_LR, 1e-3)
                .with(TrainOptions.EVAL_INTERVAL, 50);
        try (Trainer trainer = trainer(Tiny.config(), new Objective.Mean(), options, events)) {
            trainer.run(() -> false, () -> {
            });
            assertEquals(100, trainer.step());
        }
        List<TrainEvent.Step> steps = of(events, TrainEvent.Step.class);
        assertEquals(Math.log(Tiny.VOCABULARY), steps.getFirst().loss(), 0.1, "a new model knows nothing");
        List<Double> heldOut = of(events, TrainEvent.Evaluated.class).stream().map(e -> e.result().loss()).toList();
        assertEquals(3, heldOut.size());
        // two in three tokens follow a rule, the rest are uniform: entropy 1.93 nats
        assertTrue(steps.getLast().loss() < 2.8, steps.getLast().toString());
        assertTrue(heldOut.getLast() < 2.8, heldOut.toString());
        assertEquals(100L * 2 * 4 * 16, steps.getLast().tokens());
        assertEquals(1e-2 / 6, steps.getFirst().learningRate(), 1e-12);
    }

    /** The first loss is the same, and plain training too; where tokens are dropped, the blocks below do less and end elsewhere. */
    @Test
    void theBackwardPassCanKeepToTheKeptTokens() {
        for (Supplier<Objective> objective : List.<Supplier<Objective>>of(Objective.Mean::new, Tiny.AboveMean::new)) {
            TrainEvent.Step[] whole = new TrainEvent.Step[2];
            TrainEvent.Step[] kept = new TrainEvent.Step[2];
            for (TrainEvent.Step[] steps : List.of(whole, kept)) {
                try (Trainer trainer = trainer(Tiny.config(), objective.get(),
                        Tiny.options(9).with(TrainOptions.KEPT_BACKWARD, steps == kept), new ArrayList<>())) {
                    Arrays.setAll(steps, _ -> trainer.oneStep());
                }
            }
            assertEquals(whole[0].loss(), kept[0].loss(), 0);
            boolean drops = whole[0].keptFraction() < 1;
            assertEquals(drops, kept[0].flops().backward() < 0.9 * whole[0].flops().backward(),
                    kept[0].flops() + " " + whole[0].flops());
            assertEquals(!drops, whole[0].gradNorm() == kept[0].gradNorm());
            assertEquals(!drops, whole[1].loss() == kept[1].loss());
        }
    }

    /** The first loss is the same; the matrices of a block of width C then cost 2·C²·length + 17·C³ multiply-adds each, the square one 15·C³. */
    @Test
    void muonUpdatesTheBlocksAndCountsItsProducts() {
        TrainEvent.Step[] steps = new TrainEvent.Step[40];
        TrainEvent.Step[] adamW = new TrainEvent.Step[40];
        for (TrainEvent.Step[] taken : List.of(steps, adamW)) {
            TrainOptions options = Tiny.options(40).with(TrainOptions.OPTIMIZER,
                    taken == steps ? OptimizerKind.MUON : OptimizerKind.ADAMW);
            try (Trainer trainer = trainer(Tiny.config(), new Objective.Mean(), options, new ArrayList<>())) {
                Arrays.setAll(taken, _ -> trainer.oneStep());
            }
        }
        assertEquals(adamW[0].loss(), steps[0].loss(), 0);
        assertTrue(adamW[1].loss() != steps[1].loss());
        assertTrue(steps[39].loss() < steps[0].loss() - 0.1, steps[39].toString());
        long c = Tiny.config().nEmbd();
        long inner = Tiny.config().nInner();
        long multiplyAdds = Tiny.config().nLayer()
                * ((2 * c * c * 3 * c + 17 * c * c * c) + 15 * c * c * c + 2 * (2 * c * c * inner + 17 * c * c * c));
        assertEquals(2 * multiplyAdds, steps[0].flops().backward() - adamW[0].flops().backward());
    }

    /** A run resumed at step 0 begins again, with its evaluation: its log begins again too. */
    @Test
    void aRunResumedAtStepZeroBeginsAgain() {
        TrainOptions options = Tiny.options(4).with(TrainOptions.LEARNING_RATE, 1e-2).with(TrainOptions.MIN_LR, 1e-3)
                .with(TrainOptions.WARMUP_ITERS, 1).with(TrainOptions.EVAL_INTERVAL, 2);
        List<TrainEvent> events = new ArrayList<>();
        TrainerState state;
        try (Trainer trainer = trainer(Tiny.config(), new Objective.Mean(), options, events)) {
            trainer.run(() -> true, () -> {
            });
            state = trainer.state();
        }
        events.clear();
        try (Trainer trainer = trainer(Tiny.config(), new Objective.Mean(), options, events)) {
            trainer.restore(state);
            trainer.run(() -> false, () -> {
            });
        }
        assertEquals(List.of(0L, 2L, 4L),
                of(events, TrainEvent.Evaluated.class).stream().map(TrainEvent.Evaluated::step).toList());
    }

    private static <T> List<T> of(List<TrainEvent> events, Class<T> type) {
        return events.stream().filter(type::isInstance).map(type::cast).toList();
    }

    static Stream<Arguments> losses() {
        return Stream.<Supplier<Objective>>of(Objective.Mean::new, Tiny.AboveMean::new)
                .map(loss -> Arguments.of(loss.get().name(), loss));
    }

    /** Sizes of kept-row tensors vary, so a few more steps than one may pass before every size has been seen. */
    @ParameterizedTest
    @MethodSource("losses")
    void aStepAllocatesNothingAfterWarmUp(String name, Supplier<Objective> loss) {
        TrainOptions options = Tiny.options(100).with(TrainOptions.LEARNING_RATE, 1e-3).with(TrainOptions.MIN_LR, 1e-3)
                .with(TrainOptions.WARMUP_ITERS, 0).with(TrainOptions.EVAL_INTERVAL, 1);
        try (Trainer trainer = trainer(Tiny.config(), loss.get(), options, new ArrayList<>())) {
            trainer.run(() -> trainer.step() == 8, () -> {
            });
            long warm = trainer.workspaceBytes();
            assertTrue(warm > 0);
            trainer.run(() -> trainer.step() == 28, () -> {
            });
            assertEquals(warm, trainer.workspaceBytes(), name);
        }
    }

    @Test
    void theNumberOfThreadsChangesNoBit() {
        List<Tensor> two = train(2);
        List<Tensor> one = train(1);
        for (int i = 0; i < one.size(); i++) {
            assertTrue(one.get(i).sameAs(two.get(i)), "parameter " + i);
        }
    }

    private List<Tensor> train(int threads) {
        backend.close();
        backend = Backends.open("vector", threads);
        Gpt2Config config = Gpt2Config.of(2, 3, 48, 32).with(Gpt2Config.VOCAB_SIZE, 203).with(Gpt2Config.DROPOUT, 0.1);
        try (Trainer trainer = trainer(config, new Tiny.AboveMean(), Tiny.options(10), new ArrayList<>())) {
            for (int i = 0; i < 10; i++) {
                trainer.oneStep();
            }
            return trainer.model().parameters().values().stream().map(Parameter::value).toList();
        }
    }

    @ParameterizedTest
    @MethodSource("poisoned")
    void aNanStopsAndIsFound(String parameter, String where) {
        try (Trainer trainer = trainer(new Objective.Mean())) {
            trainer.oneStep();
            trainer.oneStep();
            Gpt2 model = trainer.model();
            Tensor value = model.parameters().get(parameter).value();
            value.kernels().fill(value.storage(), 1, Float.NaN);
            DivergedError error = assertThrows(DivergedError.class, trainer::oneStep);
            String message = error.getMessage();
            assertTrue(message.startsWith("step 3: the loss is NaN"), message);
            assertTrue(message.contains(where), message);
            assertEquals(3, error.step());
            assertEquals(2, trainer.step());
        }
    }

    static Stream<Arguments> poisoned() {
        return Stream.of("tokens.weight", "blocks.0.attention.qkv.bias", "blocks.1.mlp.down.weight", "finalNorm.bias")
                .map(p -> Arguments.of(p, "the weights of " + p + " are the first that are not finite"));
    }

    /** Finite weights whose products overflow. */
    @Test
    void anOverflowIsFound() {
        try (Trainer trainer = trainer(new Objective.Mean())) {
            trainer.oneStep();
            Tensor value = trainer.model().parameters().get("blocks.0.mlp.down.weight").value();
            value.kernels().fill(value.storage(), value.size(), 3e38);
            String message = assertThrows(UserError.class, trainer::oneStep).getMessage();
            assertTrue(message.startsWith("step 2: "), message);
            assertTrue(message.contains("the input of block 1 is the first that is not finite"), message);
        }
    }

    @Test
    void aGradientThatOverflowsIsFoundAndTakesNoStep() {
        Objective steep = new Objective() {
            @Override
            public String name() {
                return "steep";
            }

            @Override
            public Loss of(MicroBatch batch) {
                float[] weights = Selection.all(batch.tokens()).weights();
                Arrays.fill(weights, 1e38f);
                return batch.over(new Selection(null, weights, Double.NaN, 0), batch.losses());
            }
        };
        try (Trainer trainer = trainer(steep)) {
            Tensor before = trainer.model().head().value().to(backend);
            String message = assertThrows(UserError.class, trainer::oneStep).getMessage();
            assertTrue(message.startsWith("step 1: the gradient norm is "), message);
            assertTrue(message.contains("the gradient of "), message);
            assertTrue(trainer.model().head().value().sameAs(before));
            assertFalse(trainer.optimizer().stepCount() > 0);
        }
    }

    static Stream<Arguments> sizes() {
        return Stream.of(
                Arguments.of(Gpt2Config.of(3, 4, 64, 64).with(Gpt2Config.VOCAB_SIZE, 512).with(Gpt2Config.DROPOUT, 0.1),
                        8),
                Arguments.of(Gpt2Config.of(4, 4, 128, 64).with(Gpt2Config.VOCAB_SIZE, 5003), 8),
                Arguments.of(
                        Gpt2Config.of(6, 8, 256, 128).with(Gpt2Config.VOCAB_SIZE, 1009).with(Gpt2Config.DROPOUT, 0.1),
                        4));
    }

    @ParameterizedTest
    @MethodSource("sizes")
    void memoryIsEstimated(Gpt2Config config, int batch) {
        TrainOptions options =
                Tiny.options(10).with(TrainOptions.BATCH_SIZE, batch).with(TrainOptions.LEARNING_RATE, 1e-3)
                        .with(TrainOptions.MIN_LR, 1e-3).with(TrainOptions.WARMUP_ITERS, 0).with(TrainOptions.SEED, 1L);
        try (Trainer trainer = trainer(config, new Objective.Mean(), options, new ArrayList<>())) {
            trainer.oneStep();
            trainer.oneStep();
            long taken = trainer.workspaceBytes() + 4 * MemoryNeed.ofWeights(config);
            double foreseen = MemoryNeed.ofTraining(config, batch);
            assertEquals(taken, foreseen, 0.25 * taken, config.toString());
            assertEquals(config.parameterCount(), trainer.model().parameterCount());
        }
    }
}
