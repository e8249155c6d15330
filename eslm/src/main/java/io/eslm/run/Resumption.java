// SPDX-License-Identifier: Apache-2.0
package io.eslm.run;

import com.google.gson.JsonObject;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.checkpoint.CheckpointSearch;
import io.eslm.gpt2.checkpoint.Checkpoints;
import io.eslm.gpt2.checkpoint.ModelFolder;
import io.eslm.gpt2.option.Option;
import io.eslm.gpt2.option.OptionError;
import io.eslm.gpt2.option.OptionValues;
import io.eslm.gpt2.train.TrainOptions;
import io.eslm.gpt2.train.TrainerState;
import io.eslm.report.RunLog;
import io.eslm.select.MethodSpec;
import io.eslm.tensor.io.Json;
import io.eslm.tensor.io.SealedJson;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The plan of a run that its folder holds already.
 *
 * @param options that are given now
 * @param methodOptions of the method, given now, as text
 * @param arguments the command line, for the record
 */
record Resumption(RunOptions options, Map<Option<?>, String> methodOptions, List<String> arguments) {
    /** The run that its folder holds, with the options that are given now. */
    RunPlan resumed() {
        OptionValues own = options.own();
        Path folder = own.get(Run.OUT_DIR);
        Json config = Json.read(folder.resolve(RunLog.CONFIG));
        List<String> notices = new ArrayList<>();
        SealedJson.fault(config.file()).ifPresent(fault -> notices.add(accepted(config.file() + ": " + fault)));
        CheckpointSearch found = new Checkpoints(folder).find(own.get(Run.ACCEPT_CHANGED)).orRefuse();
        notices.addAll(found.notes());
        Optional<Path> checkpoint = found.newest();
        Gpt2Config model = checkpoint.map(ModelFolder::config).orElseGet(() -> recorded(config));
        checkKept(Gpt2Config.DROPOUT, options.model(), model.dropout());
        options.checkShape(model, checkpoint.orElse(folder));
        MethodSpec method = resumed(MethodSpec.parse(config.required("method", String.class)));
        TrainOptions before = RunNotes.saved(config);
        if (options.training().get(TrainOptions.ORDERED_SUM) && !before.get(TrainOptions.ORDERED_SUM)) {
            throw new OptionError(TrainOptions.ORDERED_SUM, true,
                    "the run was started without, as one process that adds up "
                            + "gradients in place; ranks would not continue it with the same bits. Resume it with one process, or start "
                            + "a new run from its model");
        }
        String begun = config.required(RunConfig.INIT_FROM, String.class);
        Optional<Path> weights = checkpoint.isPresent() || begun.equals(RunConfig.SCRATCH) ? Optional.empty()
                : Optional.of(Path.of(begun));
        RunPlan saved =
                new RunPlan(folder, RunData.of(config, options.own()), method, model, TrainOptions.defaults(),
                        own.get(Run.SAMPLE_PROMPT),
                        weights, checkpoint, Optional.of(config), arguments, Map.of(), notices);
        RunPlan plan = saved.with(before.resumedWith(options.training()));
        plan.check();
        if (checkpoint.isEmpty()) {
            new TrainerState(0, 0, 0, before, method.name(), new JsonObject()).checkResumable(plan.options(),
                    method.name());
        }
        return plan;
    }

    private String accepted(String changed) {
        if (!options.own().get(Run.ACCEPT_CHANGED)) {
            throw new OptionError(Run.ACCEPT_CHANGED, null, "is needed to resume from a changed file. " + changed
                    + ". If you did not change it, restore it from a copy");
        }
        return changed + "; it is used all the same";
    }

    /** The shape of a model that is not saved yet. */
    private static Gpt2Config recorded(Json config) {
        return new Gpt2Config(OptionValues.fromJson(Gpt2Config.GROUP, config.child("model")));
    }

    private static <T> void checkKept(Option<T> option, OptionValues given, T saved) {
        if (given.isSet(option) && !given.get(option).equals(saved)) {
            throw OptionError.changed(option, given.get(option), saved);
        }
    }

    /** The method of the run to resume, if no other one was given. */
    private MethodSpec resumed(MethodSpec saved) {
        String asked = options.own().isSet(Run.METHOD) ? options.own().get(Run.METHOD) : saved.name();
        MethodSpec now = MethodSpec.parse(asked.equals(saved.name()) ? saved.toString() : asked, methodOptions);
        if (!now.name().equals(saved.name())) {
            throw OptionError.changed(Run.METHOD, now.name(), saved.name());
        }
        now.values().firstDifference(saved.values()).ifPresent(option -> {
            throw OptionError.changed(option, text(now, option), text(saved, option));
        });
        return saved;
    }

    private static String text(MethodSpec spec, Option<?> option) {
        return spec.values().find(option).map(Object::toString).orElse("no value");
    }

    // ---- the same command again

    /**
     * A new run, from where it was stopped in its folder.
     *
     * @throws OptionError if the run there has other settings
     */
    static RunPlan goOn(RunPlan plan) {
        RunPlan there = plan.continuing();
        Json config = there.saved().orElseThrow();
        String method = config.required("method", String.class);
        if (!method.equals(plan.method().toString())) {
            throw other(Run.METHOD, plan.method(), method, plan);
        }
        checkSame(plan.options().values(), RunNotes.saved(config).values(), plan);
        return there;
    }

    /** @throws OptionError if {@code plan} goes on in a folder whose run has another model */
    static void checkModel(RunPlan plan) {
        plan.saved().ifPresent(config -> checkSame(plan.model().values(), recorded(config).values(), plan));
    }

    private static void checkSame(OptionValues now, OptionValues saved, RunPlan plan) {
        now.firstDifference(saved).ifPresent(option -> {
            throw other(option, now.find(option).orElse(null), saved.find(option).map(Object::toString).orElse("none"),
                    plan);
        });
    }

    private static OptionError other(Option<?> option, Object now, Object saved, RunPlan plan) {
        return new OptionError(option, now, "the run in " + plan.folder() + " has " + saved
                + ". Give the same options to go on with it, or choose another folder");
    }
}
