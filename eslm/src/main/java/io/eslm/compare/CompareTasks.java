// SPDX-License-Identifier: Apache-2.0
package io.eslm.compare;

import com.google.gson.JsonObject;
import io.eslm.gpt2.checkpoint.ModelFolder;
import io.eslm.gpt2.data.Progress;
import io.eslm.task.EncodedTask;
import io.eslm.task.TaskEvaluation;
import io.eslm.task.TaskFigures;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.io.AtomicFiles;
import io.eslm.tensor.io.Json;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/**
 * Evaluates finished runs on tasks, from their last checkpoint, so that tasks can be added to a comparison that is finished.
 *
 * @param of the tasks in each method's vocabulary
 * @param progress hears of each evaluation
 */
record CompareTasks(Function<ComparisonEntry, List<EncodedTask>> of, Progress progress) {
    /** What a run reaches, in its folder. */
    private static final String FILE = "tasks.json";

    /** What the run in {@code folder} reaches in the tasks that it was evaluated on. */
    static TaskFigures read(Path folder) {
        Path file = folder.resolve(FILE);
        return Files.exists(file) ? TaskFigures.of(Json.read(file)) : new TaskFigures(Map.of());
    }

    /** Evaluates the run in {@code folder} on the tasks that it lacks; empty if it has all. */
    Optional<TaskFigures> evaluate(ComparisonEntry entry, Path folder, Backend backend, int batchSize) {
        Map<String, Map<String, Double>> figures = new LinkedHashMap<>(read(folder).tasks());
        List<EncodedTask> missing = of.apply(entry).stream()
                .filter(task -> !figures.containsKey(task.task().toString())).toList();
        if (missing.isEmpty()) {
            return Optional.empty();
        }
        TaskEvaluation evaluation = new TaskEvaluation(ModelFolder.load(folder, backend), batchSize);
        missing.forEach(task -> figures.put(task.task().toString(), evaluation.run(task, progress).metrics()));
        TaskFigures all = new TaskFigures(figures);
        JsonObject o = new JsonObject();
        o.add(TaskFigures.FIELD, all.json());
        AtomicFiles.writeString(folder.resolve(FILE), Json.pretty(o));
        return Optional.of(all);
    }
}
