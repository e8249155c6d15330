// SPDX-License-Identifier: Apache-2.0
package io.eslm.compare;

import java.util.function.Function;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.data.TokenData;
import io.eslm.gpt2.option.OptionError;
import io.eslm.gpt2.option.OptionValues;
import io.eslm.gpt2.train.TrainOptions;
import io.eslm.run.Provenance;
import io.eslm.run.Run;
import io.eslm.run.RunConfig;
import io.eslm.run.RunFolder;
import io.eslm.run.RunPlan;
import io.eslm.run.RunTasks;
import io.eslm.task.EncodedTask;
import io.eslm.task.TaskFigures;
import io.eslm.tensor.backend.Backend;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The settings of a comparison, complete.
 *
 * @param entries the methods, the base method first
 * @param seeds number of seeds
 * @param data the source, for the record
 * @param split half of the held-out data
 * @param finalEvalIters see {@link Comparer#FINAL_EVAL_ITERS}
 * @param models the shape of each method's model
 * @param training values that are given for the training of all runs; the seed is the first run's
 * @param arguments the command line, for the record
 * @param takeOver see {@link Run#TAKE_OVER}
 */
record CompareSetup(Path folder, List<ComparisonEntry> entries, int seeds, String data, String split,
        int finalEvalIters, Function<ComparisonEntry, Gpt2Config> models, OptionValues training, List<String> arguments,
        Optional<String> takeOver) {
    /** Whether methods have tokenizers of their own, so that only bits per byte can be compared. */
    boolean mixesVocabularies() {
        return entries.stream().anyMatch(entry -> entry.ownTokenizer() != null);
    }

    /** The options of the {@code i}-th run of {@code entry}. */
    TrainOptions options(ComparisonEntry entry, int i) {
        return new TrainOptions(
                evaluatingAlike(training.with(entry.own())).with(TrainOptions.SEED,
                        training.get(TrainOptions.SEED) + i));
    }

    /** {@code values} with as many batches in an evaluation as make the windows of the others: all are evaluated on the same. */
    private OptionValues evaluatingAlike(OptionValues values) {
        TrainOptions common = new TrainOptions(training);
        int own = values.get(TrainOptions.BATCH_SIZE);
        if (own == common.get(TrainOptions.BATCH_SIZE)) {
            return values;
        }
        long windows = (long) common.get(TrainOptions.EVAL_ITERS) * common.get(TrainOptions.BATCH_SIZE);
        if (windows % own != 0) {
            throw new OptionError(TrainOptions.BATCH_SIZE, own, "must divide the " + windows
                    + " windows of an evaluation, so that all methods are evaluated on the same; change it, or eval iters");
        }
        return values.with(TrainOptions.EVAL_ITERS, (int) (windows / own));
    }

    /** The {@code i}-th run of {@code entry}. */
    RunPlan plan(ComparisonEntry entry, int i, String source) {
        TrainOptions options = options(entry, i);
        return new RunPlan(Comparison.folder(folder, options.get(TrainOptions.SEED), entry.label()), source,
                entry.method(), models.apply(entry), options, Run.SAMPLE_PROMPT.defaultWords(), Optional.empty(),
                Optional.empty(),
                Optional.empty(), arguments, Map.of("split", split), List.of());
    }

    /** @throws io.eslm.tensor.UserError if the settings do not fit each other */
    void check() {
        RunFolder.checkWritable(folder);
        entries.forEach(entry -> entry.explain(() -> plan(entry, 0, data).check()));
    }

    /** @throws io.eslm.tensor.UserError if the memory of {@code backend} is too small */
    void checkMemory(Backend backend) {
        entries.forEach(entry -> plan(entry, 0, data).checkMemory(backend));
    }

    /** The settings for {@value Comparison#SETTINGS}: everything that the runs have in common, and where they differ. */
    JsonObject json(TokenData tokens, Backend backend, List<EncodedTask> tasks) {
        Gpt2Config model = models.apply(entries.getFirst());
        JsonObject o = new JsonObject();
        Provenance provenance = Provenance.of(backend);
        o.addProperty("program", provenance.program());
        o.addProperty(Comparison.COMMIT, provenance.commit());
        o.addProperty("date", provenance.date().toString());
        JsonObject folders = new JsonObject();
        entries.forEach(entry -> folders.addProperty(entry.toString(), entry.label()));
        o.add("methods", folders);
        JsonArray numbers = new JsonArray();
        for (int i = 0; i < seeds; i++) {
            numbers.add(training.get(TrainOptions.SEED) + i);
        }
        o.add("seeds", numbers);
        o.addProperty("data", data);
        o.addProperty("split", split);
        if (finalEvalIters > 0) {
            o.addProperty(Comparison.FINAL_EVAL_ITERS, finalEvalIters);
        }
        o.addProperty(Comparison.MIXED, mixesVocabularies());
        o.addProperty("parameters", model.parameterCount());
        o.add("model", model.values().toJson());
        JsonObject common = training.toJson();
        common.remove("seed");
        o.add("options", common);
        o.add("tokens", RunConfig.tokens(tokens));
        o.add(TaskFigures.FIELD, RunTasks.json(tasks));
        o.add("machine", provenance.machine());
        return o;
    }
}
