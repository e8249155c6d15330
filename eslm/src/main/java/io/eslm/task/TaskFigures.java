// SPDX-License-Identifier: Apache-2.0
package io.eslm.task;

import com.google.gson.JsonObject;
import io.eslm.tensor.io.Json;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What a model reaches in several tasks.
 *
 * @param tasks by the name of a task, its metrics and standard errors by theirs
 */
public record TaskFigures(Map<String, Map<String, Double>> tasks) {
    /** The field of a line or a file that holds them. */
    public static final String FIELD = "tasks";
    private static final List<String> ACCURACIES = List.of("acc_norm", "acc");

    /** Those of {@code line}; none if it has none. */
    public static TaskFigures of(Json line) {
        Map<String, Map<String, Double>> tasks = new LinkedHashMap<>();
        if (line.has(FIELD)) {
            Json all = line.child(FIELD);
            all.object().keySet().forEach(task -> tasks.put(task, all.map(task, Double.class)));
        }
        return new TaskFigures(tasks);
    }

    /** What {@link #of} reads. */
    public JsonObject json() {
        JsonObject all = new JsonObject();
        tasks.forEach((task, metrics) -> {
            JsonObject o = new JsonObject();
            metrics.forEach((name, value) -> o.add(name, Json.number(value)));
            all.add(task, o);
        });
        return all;
    }

    /** The metrics of a task, without standard errors. */
    public List<String> metrics(String task) {
        return tasks.get(task).keySet().stream().filter(name -> !name.endsWith(TaskResult.ERROR)).toList();
    }

    /** A metric; NaN if it is not known. */
    public double value(String task, String metric) {
        return tasks.getOrDefault(task, Map.of()).getOrDefault(metric, Double.NaN);
    }

    /** The accuracy of each task that has one: acc_norm, or else acc. */
    public Map<String, Double> accuracies() {
        Map<String, Double> all = new LinkedHashMap<>();
        tasks.forEach((task, metrics) -> ACCURACIES.stream().filter(metrics::containsKey).findFirst()
                .ifPresent(name -> all.put(task, metrics.get(name))));
        return all;
    }

    /** The mean of {@link #accuracies}, all tasks counting alike; NaN without tasks. */
    public double meanAccuracy() {
        return accuracies().values().stream().mapToDouble(Double::doubleValue).average().orElse(Double.NaN);
    }

    /** "hellaswag acc 0.2860 ± 0.0045, acc_norm 0.2960 ± 0.0046; wikitext …". */
    public String text() {
        List<String> texts = new ArrayList<>();
        tasks.keySet().forEach(task -> texts.add(task + " " + String.join(", ",
                metrics(task).stream().map(metric -> metric + " " + text(task, metric)).toList())));
        return String.join("; ", texts);
    }

    /** "0.2860 ± 0.0045", with the standard error if there is one. */
    public String text(String task, String metric) {
        double error = value(task, metric + TaskResult.ERROR);
        return String.format(Locale.ROOT, "%.4f", value(task, metric))
                + (Double.isFinite(error) ? String.format(Locale.ROOT, " \u00b1 %.4f", error) : "");
    }
}
