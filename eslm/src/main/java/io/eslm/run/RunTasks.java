// SPDX-License-Identifier: Apache-2.0
package io.eslm.run;

import com.google.gson.JsonObject;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.data.Progress;
import io.eslm.gpt2.data.TokenData;
import io.eslm.gpt2.option.OptionValues;
import io.eslm.gpt2.train.TrainEvent;
import io.eslm.gpt2.train.TrainOptions;
import io.eslm.task.EncodedTask;
import io.eslm.task.TaskEvaluation;
import io.eslm.task.TaskFigures;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Tasks that a run is evaluated on: they were read before its first step.
 *
 * @param interval steps between evaluations, 0 for one after the last step alone; empty for that of the other evaluations
 * @param progress hears of each evaluation
 */
public record RunTasks(List<EncodedTask> tasks, Optional<Integer> interval, Progress progress) {
    /** No tasks. */
    public static final RunTasks NONE = new RunTasks(List.of(), Optional.empty(), Progress.SILENT);

    /** Reads the files of {@code plan}. @param own options of the run itself */
    static RunTasks of(TaskPlan plan, OptionValues own, TokenData tokens, Gpt2Config model, Progress progress) {
        return new RunTasks(plan.read(tokens.tokenizer(), model), own.find(TaskPlan.INTERVAL), progress);
    }

    /** Whether to evaluate after {@code step}. */
    boolean isDue(long step, TrainOptions options) {
        int every = interval.orElse(options.get(TrainOptions.EVAL_INTERVAL));
        return !tasks.isEmpty() && (every > 0 && step % every == 0 || step == options.get(TrainOptions.MAX_ITERS));
    }

    /** Evaluates {@code model} after {@code step}. */
    TrainEvent.Tasks evaluate(Gpt2 model, long step, int batchSize) {
        Map<String, Map<String, Double>> figures = new LinkedHashMap<>();
        TaskEvaluation evaluation = new TaskEvaluation(model, batchSize);
        tasks.forEach(task -> figures.put(task.task().toString(), evaluation.run(task, progress).metrics()));
        return new TrainEvent.Tasks(step, figures);
    }

    /** Adds to the record of a run what the tasks are. */
    void describe(JsonObject record) {
        if (!tasks.isEmpty()) {
            record.add(TaskFigures.FIELD, json(tasks));
        }
    }

    /** By the name of each task, its number of examples, its files and their SHA-256. */
    public static JsonObject json(List<EncodedTask> tasks) {
        JsonObject all = new JsonObject();
        tasks.forEach(task -> {
            JsonObject o = new JsonObject();
            o.addProperty("n", task.size());
            task.describe(o);
            all.add(task.task().toString(), o);
        });
        return all;
    }
}
