// SPDX-License-Identifier: Apache-2.0
package io.eslm.task;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.eslm.tensor.io.Json;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;

/**
 * What a model reaches in a task.
 *
 * @param metrics by name, in the order of the task: the value, then {@code NAME_stderr} if it has a standard error
 * @param examples one for each example, in the order of the file
 */
public record TaskResult(EncodedTask task, SequencedMap<String, Double> metrics, List<ExampleResult> examples) {
    /** Ends the name of a standard error. */
    public static final String ERROR = "_stderr";

    /**
     * What a model gives an example.
     *
     * @param place file and row
     * @param logLikelihoods of its answers, in nats
     * @param figures what it adds to the metrics
     */
    public record ExampleResult(String place, List<Double> logLikelihoods, Map<String, Double> figures) {
        /** As one line, for the example of this index. */
        public JsonObject json(int index) {
            JsonObject o = new JsonObject();
            o.addProperty("example", index);
            o.addProperty("place", place);
            JsonArray all = new JsonArray();
            logLikelihoods.forEach(x -> all.add(Json.number(x)));
            o.add("log_likelihoods", all);
            figures.forEach((name, value) -> o.add(name, Json.number(value)));
            return o;
        }
    }

    /** As one object: task, model, n, the metrics, and the data. */
    public JsonObject json(String model) {
        JsonObject o = new JsonObject();
        o.addProperty("task", task.task().toString());
        o.addProperty("model", model);
        o.addProperty("n", examples.size());
        metrics.forEach((name, value) -> o.add(name, Json.number(value)));
        task.describe(o);
        return o;
    }
}
