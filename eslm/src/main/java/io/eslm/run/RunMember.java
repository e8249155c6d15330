// SPDX-License-Identifier: Apache-2.0
package io.eslm.run;

import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.Weights;
import io.eslm.gpt2.checkpoint.ModelFolder;
import io.eslm.gpt2.collective.Collective;
import io.eslm.gpt2.data.DataSource;
import io.eslm.gpt2.data.Progress;
import io.eslm.gpt2.data.TokenData;
import io.eslm.gpt2.option.Option;
import io.eslm.gpt2.train.Flops;
import io.eslm.gpt2.train.TrainEvent;
import io.eslm.gpt2.train.TrainOptions;
import io.eslm.gpt2.train.Trainer;
import io.eslm.tensor.DType;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import java.util.Map;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/**
 * A rank of a training other than 0. It reads the data, computes its micro-batches, and keeps its part of the moments; settings,
 * weights and the state of a resumed run come from rank 0. It writes nothing.
 */
public final class RunMember implements AutoCloseable {
    private final RunPlan plan;
    private final Backend backend;
    private final Trainer trainer;
    private final RankPlace place;
    private long taken;
    private Optional<TrainEvent.Step> lastStep = Optional.empty();
    private Consumer<? super TrainEvent> listener = _ -> {
    };

    private RunMember(RunPlan plan, Backend backend, TokenData data, RankPlace place, Collective ranks) {
        this.plan = plan;
        this.backend = backend;
        this.place = place;
        Weights zeros = (_, dims) -> Tensor.zeros(backend, DType.F32, dims);
        Gpt2 model = new Gpt2(plan.model(), backend,
                plan.options().lowRank().map(lora -> lora.on(zeros, zeros)).orElse(zeros));
        trainer = new Trainer(model, plan.method().objective(folder -> ModelFolder.load(folder, backend)), data,
                plan.options(), this::hear, ranks);
    }

    static RunMember join(RankPlace place, RunOptions options, Map<Option<?>, String> methodOptions,
            Progress progress, Consumer<String> notes) {
        Collective ranks = RankTalk.join(place, notes);
        Backend backend = null;
        try {
            RankTalk talk = new RankTalk(ranks);
            RankTalk.Settings settings = talk.hearSettings(options, methodOptions);
            RunPlan asked = settings.plan();
            backend = Backends.open(options.own().get(Run.BACKEND), options.own().get(Run.THREADS));
            TokenData data = DataSource.open(asked.data(), settings.tokenizer(), progress);
            Gpt2Config model = talk.hearModel(options, asked.data(), data);
            RunPlan plan = asked.with(model);
            plan.checkMemory(backend, place.world());
            return new RunMember(plan, backend, data.forVocabulary(model.vocabSize()), place, ranks);
        } catch (RuntimeException | Error e) {
            ranks.abort(String.valueOf(e.getMessage()));
            if (backend != null) {
                backend.close();
            }
            throw e;
        }
    }

    private void hear(TrainEvent event) {
        if (event instanceof TrainEvent.Step step) {
            lastStep = Optional.of(step);
            taken++;
        }
        listener.accept(event);
    }

    /** The settings, which are rank 0's. */
    public RunPlan plan() {
        return plan;
    }

    /** Where it computes. */
    public Backend backend() {
        return backend;
    }

    /** Which rank this is. */
    public int rank() {
        return place.rank();
    }

    /** How many ranks there are. */
    public int world() {
        return place.world();
    }

    /** Hears each step. */
    public RunMember listener(Consumer<? super TrainEvent> hears) {
        listener = hears;
        return this;
    }

    /**
     * Trains until rank 0 ends the training; {@code stop} asks it to, between steps.
     *
     * @throws io.eslm.tensor.UserError if this rank or another one cannot go on; it says which and why
     */
    public RunResult train(BooleanSupplier stop) {
        long start = System.nanoTime();
        try {
            trainer.follow(stop);
        } catch (RuntimeException | Error e) {
            trainer.abort(String.valueOf(e.getMessage()));
            throw e;
        }
        return new RunResult(plan.folder(), trainer.step(), taken,
                trainer.step() >= plan.options().get(TrainOptions.MAX_ITERS), lastStep, Optional.empty(), Flops.ZERO,
                (System.nanoTime() - start) * 1e-9);
    }

    @Override
    public void close() {
        trainer.close();
        backend.close();
    }
}
