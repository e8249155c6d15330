// SPDX-License-Identifier: Apache-2.0
package io.eslm.run;

import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.LowRank;
import io.eslm.gpt2.checkpoint.CheckpointSearch;
import io.eslm.gpt2.checkpoint.Checkpoints;
import io.eslm.gpt2.option.OptionError;
import io.eslm.gpt2.train.MemoryNeed;
import io.eslm.gpt2.train.MemoryPlan;
import io.eslm.gpt2.train.TrainOptions;
import io.eslm.report.RunLog;
import io.eslm.select.MethodSpec;
import io.eslm.select.token.ValueAtRisk;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.io.Json;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * The settings of a run, complete.
 *
 * @param folder of the run
 * @param data the source, for the record
 * @param prompt beginning of the sample texts
 * @param from model folder whose weights a new run starts with; empty for random ones
 * @param checkpoint that the run continues from; empty for step 0
 * @param saved {@value RunLog#CONFIG} of the run, if the folder has one
 * @param arguments the command line, for the record
 * @param notes more fields for the record
 * @param notices what the user should know before the first step, a sentence each
 */
public record RunPlan(Path folder, String data, MethodSpec method, Gpt2Config model, TrainOptions options,
        String prompt,
        Optional<Path> from, Optional<Path> checkpoint, Optional<Json> saved, List<String> arguments,
        Map<String, String> notes, List<String> notices) {
    /** The memory advice of all commands. */
    public static final String MEMORY_ADVICE =
            "Use a smaller batch size (raise grad accum to keep the step size), a shorter block size, or a smaller model.";

    /** This plan for a folder that may hold a part of the run already. */
    public RunPlan continuing() {
        Path config = folder.resolve(RunLog.CONFIG);
        CheckpointSearch found = new Checkpoints(folder).find(false).orRefuse();
        return new RunPlan(folder, data, method, model, options, prompt, from, found.newest(),
                Files.exists(config) ? Optional.of(Json.read(config)) : Optional.empty(), arguments, notes,
                found.notes());
    }

    /** This plan for another folder. */
    RunPlan in(Path other) {
        return new RunPlan(other, data, method, model, options, prompt, from, checkpoint, saved, arguments, notes,
                notices);
    }

    /** This plan with another shape of the model. */
    RunPlan with(Gpt2Config other) {
        return new RunPlan(folder, data, method, other, options, prompt, from, checkpoint, saved, arguments, notes,
                notices);
    }

    /** This plan with other options. */
    RunPlan with(TrainOptions other) {
        return new RunPlan(folder, data, method, model, other, prompt, from, checkpoint, saved, arguments, notes,
                notices);
    }

    /**
     * Checks, before any work, that the settings fit each other and the folders that they name.
     *
     * @throws UserError if they do not
     */
    public void check() {
        model.check();
        options.schedule();
        int batch = options.get(TrainOptions.BATCH_SIZE);
        if ((long) batch * model.blockSize() > Integer.MAX_VALUE) {
            throw new OptionError(TrainOptions.BATCH_SIZE, batch,
                    "times block size " + model.blockSize() + " must be less than 2^31 tokens");
        }
        options.lowRank().ifPresent(this::checkAdapters);
        method.check(model);
        checkOrder();
        RunFolder.checkWritable(folder);
    }

    /** What methods need of the order of a step's sum. */
    private void checkOrder() {
        if (!options.get(TrainOptions.ORDERED_SUM) && options.get(TrainOptions.GRAD_ACCUM) > 1
                && method.values().has(ValueAtRisk.GLOBAL)
                && method.values().find(ValueAtRisk.GLOBAL).orElse(false)) {
            throw TrainOptions.needsOrderedSum(method.toString());
        }
    }

    private void checkAdapters(LowRank adapters) {
        if (from.isEmpty() && checkpoint.isEmpty()) {
            throw new OptionError(TrainOptions.LORA_RANK, adapters.rank(),
                    "adapts a model that is trained already; name the model folder to begin with (init from)");
        }
        try {
            adapters.check(model);
        } catch (UserError e) {
            throw new OptionError(TrainOptions.LORA_TARGETS, e);
        }
    }

    /** @throws UserError if the memory of {@code backend} is too small */
    public void checkMemory(Backend backend) {
        checkMemory(backend, 1);
    }

    /** {@link #checkMemory(Backend)} for one of {@code ranks} that share the steps. */
    void checkMemory(Backend backend, int ranks) {
        int batch = options.get(TrainOptions.BATCH_SIZE);
        if (fits(backend, batch, ranks)) {
            return;
        }
        int fits = 0;
        int tooLarge = batch;
        while (tooLarge - fits > 1) {
            int middle = (fits + tooLarge) >>> 1;
            if (fits(backend, middle, ranks)) {
                fits = middle;
            } else {
                tooLarge = middle;
            }
        }
        String what = String.format(Locale.ROOT, "training %,d parameters with %d windows of %d tokens",
                model.parameterCount(), batch, model.blockSize());
        String advice = MEMORY_ADVICE + (fits == 0 ? "" : " A batch size of " + fits + " fits.");
        MemoryNeed.check(backend, memory(batch, ranks) + scores(backend, batch), what, advice);
        throw new UserError(what + " finds no room in the " + backend.arrays().length
                + " arrays that the memory of backend '" + backend.name()
                + "' has, since a tensor lies in one of them. " + advice);
    }

    private boolean fits(Backend backend, int batch, int ranks) {
        return MemoryNeed.fits(backend, memory(batch, ranks) + scores(backend, batch))
                && (backend.arrays().length == 0 || !isPlanned()
                        || plan(backend, batch).place(backend.arrays()).isPresent());
    }

    private long scores(Backend backend, int batch) {
        return backend.scoreBytes(batch, model.blockSize(), model.nHead());
    }

    private MemoryPlan plan(Backend backend, int batch) {
        return MemoryPlan.ofTraining(model, batch).withScores(scores(backend, batch));
    }

    /** True if all parameters are trained by this process. */
    private boolean isPlanned() {
        return options.lowRank().isEmpty() && !options.get(TrainOptions.ORDERED_SUM);
    }

    /** What goes where in the memory of a device; empty on the host. */
    Optional<String> memoryPlan(Backend backend) {
        return backend.arrays().length == 0 || !isPlanned() ? Optional.empty() : Optional.of("memory in GB: "
                + plan(backend, options.get(TrainOptions.BATCH_SIZE)).text(backend.arrays()));
    }

    /** Bytes of one of {@code ranks} that share the steps. */
    long memory(int ranks) {
        return memory(options.get(TrainOptions.BATCH_SIZE), ranks);
    }

    private long memory(int batch, int ranks) {
        return method.memory(model, batch) + (options.get(TrainOptions.ORDERED_SUM)
                ? MemoryNeed.ofRank(model, options.lowRank(), batch, ranks)
                : MemoryNeed.ofTraining(model, options.lowRank(), batch));
    }
}
