// SPDX-License-Identifier: Apache-2.0
package io.eslm.task;

import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/**
 * A figure of a task.
 *
 * @param name as in lm-eval
 * @param value from the figures of all examples
 * @param error its standard error; null if it has none
 */
record Metric(String name, ToDoubleFunction<List<Map<String, Double>>> value,
        ToDoubleFunction<List<Map<String, Double>>> error) {
    /** The mean of {@code name}, and the standard deviation of the sample / √n. */
    static Metric mean(String name) {
        return new Metric(name, all -> average(all, name), all -> {
            double mean = average(all, name);
            double squares = all.stream().mapToDouble(x -> x.get(name) - mean).map(d -> d * d).sum();
            return Math.sqrt(squares / (all.size() - 1)) / Math.sqrt(all.size());
        });
    }

    /** exp of the mean loss of an example. */
    static Metric perplexity() {
        return new Metric("perplexity", all -> Math.exp(-average(all, "log_likelihood")), null);
    }

    /** exp of the loss per unit: {@code words} or {@code bytes}. */
    static Metric perplexityOf(String name, String unit) {
        return new Metric(name, all -> Math.exp(lossPer(all, unit)), null);
    }

    static Metric bitsPerByte() {
        return new Metric("bits_per_byte", all -> lossPer(all, "bytes") / Math.log(2), null);
    }

    private static double lossPer(List<Map<String, Double>> all, String unit) {
        return -sum(all, "log_likelihood") / sum(all, unit);
    }

    private static double average(List<Map<String, Double>> all, String name) {
        return sum(all, name) / all.size();
    }

    private static double sum(List<Map<String, Double>> all, String name) {
        return all.stream().mapToDouble(x -> x.get(name)).sum();
    }
}
