// SPDX-License-Identifier: Apache-2.0
package io.eslm.serve;

import io.eslm.gpt2.generate.BatchStats;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;

/** What a server did, in Prometheus' text format. Names are vLLM's where they mean the same, after "eslm_". */
final class Metrics {
    /** Content type of the text format. */
    static final String TYPE = "text/plain; version=0.0.4; charset=utf-8";

    private final Histogram latency =
            new Histogram("eslm_e2e_request_latency_seconds", "From the arrival of a request to its last token.");
    private final Histogram firstToken =
            new Histogram("eslm_time_to_first_token_seconds", "From the arrival of a request to its first token.");
    private final Map<String, LongAdder> finished = new ConcurrentHashMap<>();
    private final Map<String, LongAdder> answers = new ConcurrentHashMap<>();
    private final LongAdder gone = new LongAdder();

    /** A request has its first token, or its prompts are read. */
    void first(double seconds) {
        firstToken.add(seconds);
    }

    /** A request is complete. */
    void complete(double seconds, CompletionRun run) {
        latency.add(seconds);
        run.choices().forEach(choice -> count(finished, choice.finish().json().getAsString()));
    }

    /** A request was answered. */
    void answered(int status) {
        count(answers, String.valueOf(status));
    }

    /** A client went away before its answer was complete. */
    void gone() {
        gone.increment();
    }

    private static void count(Map<String, LongAdder> counts, String key) {
        counts.computeIfAbsent(key, _ -> new LongAdder()).increment();
    }

    String text(String model, BatchStats stats) {
        StringBuilder out = new StringBuilder();
        gauge(out, "eslm_num_requests_running", "Sequences that are computed now.", stats.running());
        gauge(out, "eslm_num_requests_waiting", "Sequences that wait for their turn.", stats.waiting());
        gauge(out, "eslm_kv_cache_usage_perc",
                "Share of the pages of keys and values that running sequences hold; 1 is all.",
                stats.pagesTotal() == 0 ? 0 : (double) stats.pagesUsed() / stats.pagesTotal());
        gauge(out, "eslm_kv_cache_bytes", "Bytes of all pages of keys and values.", stats.poolBytes());
        counter(out, "eslm_prompt_tokens", "Tokens of prompts, computed or found in the prefix cache.",
                stats.promptTokens() + stats.cachedTokens());
        counter(out, "eslm_prefix_cache_hits", "Tokens of prompts that were found in the prefix cache.",
                stats.cachedTokens());
        counter(out, "eslm_generation_tokens", "Tokens that were drawn.", stats.newTokens());
        labelled(out, "eslm_request_success", "Texts that are complete, by the reason of their end.", "finished_reason",
                finished);
        labelled(out, "eslm_http_responses", "Answers, by status.", "status", answers);
        counter(out, "eslm_clients_gone", "Clients that went away before their answer was complete.", gone.sum());
        firstToken.write(out);
        latency.write(out);
        out.append("# HELP eslm_model_info The model.\n# TYPE eslm_model_info gauge\neslm_model_info{model_name=\"")
                .append(model.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n")).append("\"} 1\n");
        return out.toString();
    }

    private static void head(StringBuilder out, String name, String help, String type) {
        out.append("# HELP ").append(name).append(' ').append(help).append("\n# TYPE ").append(name).append(' ')
                .append(type).append('\n');
    }

    private static void gauge(StringBuilder out, String name, String help, double value) {
        head(out, name, help, "gauge");
        out.append(name).append(' ').append(value).append('\n');
    }

    private static void counter(StringBuilder out, String name, String help, long value) {
        head(out, name + "_total", help, "counter");
        out.append(name).append("_total ").append(value).append('\n');
    }

    private static void labelled(StringBuilder out, String name, String help, String label,
            Map<String, LongAdder> counts) {
        head(out, name + "_total", help, "counter");
        new TreeMap<>(counts).forEach((value, n) -> out.append(name).append("_total{").append(label).append("=\"")
                .append(value).append("\"} ").append(n.sum()).append('\n'));
    }
}
