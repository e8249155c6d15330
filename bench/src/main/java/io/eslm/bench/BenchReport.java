// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.eslm.run.CpuContention;
import io.eslm.run.Provenance;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.io.Json;
import java.util.Locale;
import java.util.Map;

/**
 * The output of a benchmark: text, or one line with one JSON object and nothing else. Either way it says what was measured with
 * what, and how much other programs disturbed.
 */
final class BenchReport {
    private final boolean json;
    private final Provenance provenance;
    private final CpuContention others = new CpuContention();

    /** Begins to measure on {@code backend}. */
    BenchReport(Backend backend, boolean json) {
        this.json = json;
        provenance = Provenance.of(backend);
        text("%s%n%n", provenance.line());
    }

    /** Prints text, unless the output is JSON. */
    void text(String format, Object... arguments) {
        if (!json) {
            System.out.printf(Locale.ROOT, format, arguments);
        }
    }

    /** What was measured with what, so far. */
    JsonObject provenance() {
        return provenance.json(others.share());
    }

    /** Prints the figures as JSON, or the end of the text. */
    void end(JsonObject figures) {
        double share = others.share();
        if (json) {
            JsonObject all = new JsonObject();
            figures.entrySet().forEach(e -> all.add(e.getKey(), e.getValue()));
            all.add("provenance", provenance.json(share));
            System.out.println(Json.line(all));
        } else {
            System.out.printf("%n%s%n", Provenance.load(share));
        }
    }

    /** Prints each figure on a line of text. */
    void lines(JsonObject figures) {
        for (Map.Entry<String, JsonElement> e : figures.entrySet()) {
            text("%-26s %s%n", e.getKey(), Figures.text(e.getValue()));
        }
    }
}
