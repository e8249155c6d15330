// SPDX-License-Identifier: Apache-2.0
package io.eslm.explain;

import io.eslm.autograd.optim.Optimizer;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.checkpoint.Checkpoints;
import io.eslm.gpt2.checkpoint.ModelFolder;
import io.eslm.gpt2.data.DataSource;
import io.eslm.gpt2.data.Progress;
import io.eslm.gpt2.data.TokenData;
import io.eslm.gpt2.tokenizer.TokenTexts;
import io.eslm.gpt2.option.OptionValues;
import io.eslm.gpt2.train.MemoryNeed;
import io.eslm.gpt2.train.Objective;
import io.eslm.gpt2.train.TrainOptions;
import io.eslm.gpt2.train.Trainer;
import io.eslm.gpt2.train.TrainerState;
import io.eslm.report.RunLog;
import io.eslm.run.RunPlan;
import io.eslm.select.Method;
import io.eslm.select.MethodSpec;
import io.eslm.select.token.ValueAtRisk;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.io.Json;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;

/**
 * A step to explain, and the method that takes it.
 *
 * @param others models that the method evaluates but does not train
 * @param what names the step
 */
public record Subject(Step step, Objective objective, List<Gpt2> others, String what) {
    /** Remembers the models that a method asks for. */
    private record Loading(Backend backend, List<Gpt2> loaded) implements Method.Models {
        @Override
        public Gpt2 apply(Path folder) {
            loaded.add(ModelFolder.load(folder, backend));
            return loaded.getLast();
        }
    }

    /**
     * The step that {@code model} would take first.
     *
     * @param name of the model
     * @param time longest window
     */
    public static Subject of(Gpt2 model, String name, MethodSpec method, TrainOptions options, Tokens tokens,
            int time) {
        method.check(model.config());
        Loading models = new Loading(model.backend(), new ArrayList<>());
        Objective objective = method.objective(models);
        if (tokens instanceof Data data) {
            objective.begin(data.data().train());
        }
        model.keptBackward(options.get(TrainOptions.KEPT_BACKWARD));
        int drawn = objective.drawn(options.get(TrainOptions.BATCH_SIZE));
        Batch batch = tokens.batch(model.config(), options, drawn, time);
        checkMemory(model, method, batch.windows(), batch.time());
        checkAlone(objective, batch);
        Optimizer optimizer = options.optimizer(model);
        return new Subject(new Step(model, options, 0, optimizer, batch, tokens.texts()), objective,
                models.loaded, "the first step of " + name + " on " + tokens.name());
    }

    /**
     * The next step of the run in {@code folder}, with the weights, moments and tokens that it would take.
     *
     * @param method another one, to see what it would do
     */
    public static Subject nextOf(Path folder, Optional<MethodSpec> method, Backend backend, Progress progress) {
        Path checkpoint = new Checkpoints(folder).find(false).orRefuse().newest()
                .orElseThrow(() -> new UserError(folder + ": the run has no checkpoint yet"));
        Json config = Json.read(folder.resolve(RunLog.CONFIG));
        TrainOptions options =
                new TrainOptions(OptionValues.fromJson(TrainOptions.GROUP, config.child("options")));
        MethodSpec own = MethodSpec.parse(config.required("method", String.class));
        MethodSpec asked = method.orElse(own);
        Gpt2 model = Checkpoints.model(checkpoint, backend);
        asked.check(model.config());
        String data = config.required("data", String.class);
        TokenData tokens = DataSource.open(data, ModelFolder.tokenizer(checkpoint), progress);
        Loading models = new Loading(backend, new ArrayList<>());
        Objective objective = own.objective(models);
        TrainerState state;
        Optimizer optimizer;
        try (Trainer trainer = new Trainer(model, objective, tokens, options, _ -> {
        })) {
            Checkpoints.restore(trainer, checkpoint);
            state = trainer.state();
            optimizer = trainer.team() == null ? trainer.optimizer() : whole(trainer);
        }
        Objective taken = asked.equals(own) ? objective : asked.objective(models);
        taken.begin(tokens.train());
        int time = model.config().blockSize();
        int drawn = taken.drawn(options.get(TrainOptions.BATCH_SIZE));
        checkMemory(model, asked, drawn, time);
        Batch batch = Batch.drawn(tokens.train().tokens(), drawn, time, options.get(TrainOptions.SEED),
                state.batchPosition(), options.get(TrainOptions.GRAD_ACCUM));
        checkAlone(taken, batch);
        TokenTexts texts = new TokenTexts(tokens.tokenizer());
        return new Subject(new Step(model, options, state.step(), optimizer, batch, texts), taken, models.loaded,
                String.format(Locale.ROOT, "step %,d of %s on %s", state.step() + 1, folder, data));
    }

    /** An optimizer of the parameters themselves, with the moments of one that keeps them for a team of one. */
    private static Optimizer whole(Trainer trainer) {
        Optimizer whole = trainer.options().optimizer(trainer.model());
        trainer.optimizer().state().forEach((kind, tensors) -> copy(tensors, whole.state().get(kind)));
        whole.restoreStepCount(trainer.optimizer().stepCount());
        return whole;
    }

    private static void copy(Map<String, Tensor> from, Map<String, Tensor> to) {
        to.forEach((path, t) -> t.kernels().copy(t.storage(), from.get(path).storage(), t.size()));
    }

    /** A micro-batch is explained by itself: the risks of others are not at hand. */
    private static void checkAlone(Objective objective, Batch batch) {
        if (objective.shareRisks(UnaryOperator.identity()) && batch.micros() > 1) {
            throw new UserError("method " + objective.name() + " takes one threshold for the " + batch.micros()
                    + " micro-batches of a step, and a step is explained micro-batch by micro-batch. Name the method without "
                    + ValueAtRisk.GLOBAL.key());
        }
    }

    private static void checkMemory(Gpt2 model, MethodSpec method, int windows, int time) {
        Gpt2Config config = model.config().with(Gpt2Config.BLOCK_SIZE, time);
        MemoryNeed.check(model.backend(),
                MemoryNeed.ofTraining(config, model.lowRank(), windows) + method.memory(config, windows),
                String.format(Locale.ROOT, "a step of %,d parameters with %d windows of %d tokens",
                        config.parameterCount(), windows, time),
                RunPlan.MEMORY_ADVICE);
    }

    /** Where the tokens of a step come from. */
    public sealed interface Tokens {
        /** In words. */
        String name();

        /** What the ids stand for. */
        TokenTexts texts();

        /** @param drawn windows in a micro-batch, at most */
        Batch batch(Gpt2Config model, TrainOptions options, int drawn, int time);
    }

    /** The first batch of training data. */
    public record Data(String name, TokenData data) implements Tokens {
        @Override
        public TokenTexts texts() {
            return new TokenTexts(data.tokenizer());
        }

        @Override
        public Batch batch(Gpt2Config model, TrainOptions options, int drawn, int time) {
            data.checkVocab(model.vocabSize());
            return Batch.drawn(data.train().tokens(), drawn, time, options.get(TrainOptions.SEED), 0,
                    options.get(TrainOptions.GRAD_ACCUM));
        }
    }

    /** A text, from its beginning. */
    public record Text(String name, int[] ids, TokenTexts texts) implements Tokens {
        @Override
        public Batch batch(Gpt2Config model, TrainOptions options, int drawn, int time) {
            return Batch.of(ids, time, drawn, model.vocabSize());
        }
    }
}
