// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench.offload;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.eslm.bench.Figures;
import io.eslm.tensor.UserError;
import io.eslm.tensor.io.Json;
import java.nio.file.Path;
import java.util.Locale;

/** A measurement as the file that people send in; {@code offload.schema.json} describes it. */
final class OffloadJson {
    static final String FORMAT = "eslm-offload";
    /** Rises when a field changes its meaning or goes; a new field does not change it. */
    static final int VERSION = 1;

    private OffloadJson() {
    }

    /** @param against null if there is no earlier measurement to compare with */
    static JsonObject of(Measurement m, Against against) {
        JsonObject all = new JsonObject();
        all.addProperty("format", FORMAT);
        all.addProperty("version", VERSION);
        all.add("provenance", m.provenance());
        Figures.add(all, "load_average", m.load());
        all.add("rules", rules(m.rules()));
        JsonArray engines = new JsonArray();
        m.engines().forEach(e -> engines.add(engine(e)));
        all.add("engines", engines);
        all.add("surroundings", Figures.of(m.surroundings()));
        all.addProperty("energy", m.energy());
        JsonArray agreement = new JsonArray();
        m.agreement().forEach(a -> {
            JsonObject o = Figures.of(a).getAsJsonObject();
            o.addProperty("right", a.isRight());
            agreement.add(o);
        });
        all.add("agreement", agreement);
        JsonArray cells = new JsonArray();
        m.cells().forEach(c -> cells.add(cell(c, m.engine(c.engine()).roof())));
        all.add("cells", cells);
        JsonArray crossovers = new JsonArray();
        m.crossovers().forEach(c -> crossovers.add(crossover(c)));
        all.add("crossovers", crossovers);
        all.add("skipped", Figures.of(m.skipped()));
        all.add("step", Figures.of(m.step()));
        all.add("against", Figures.of(against));
        return all;
    }

    private static JsonObject rules(Rules rules) {
        JsonObject o = new JsonObject();
        Figures.add(o, "confidence", Rules.CONFIDENCE);
        Figures.add(o, "iteration_s", rules.seconds());
        o.addProperty("iterations", rules.iterations());
        Figures.add(o, "warm_up_s", rules.warmUp());
        o.addProperty("forks", 0);
        return o;
    }

    private static JsonObject engine(Measurement.Timed e) {
        JsonObject o = new JsonObject();
        o.addProperty("name", e.name());
        o.addProperty("description", e.description());
        o.addProperty("threads", e.threads());
        o.addProperty("on_host", e.onHost());
        Figures.add(o, "peak_gflops", e.roof().flops() * 1e-9);
        o.addProperty("peak_by", e.roof().origin());
        Figures.add(o, "memory_gb_per_s", e.roof().bandwidth() * 1e-9);
        return o;
    }

    private static JsonObject cell(Cell c, Roof roof) {
        JsonObject o = new JsonObject();
        o.addProperty("kernel", c.kernel());
        o.addProperty("side", c.side());
        o.addProperty("engine", c.engine());
        o.add("seconds", Figures.of(c.seconds()));
        o.add("copied", Figures.of(c.copied()));
        Figures.add(o, "first_call_s", c.first());
        Figures.add(o, "operations", c.operations());
        Figures.add(o, "bytes", c.bytes());
        Figures.add(o, "gflops", c.gflops());
        Figures.add(o, "gb_per_s", c.gigabytesPerSecond());
        o.addProperty("bound", roof.bound(c.operations(), c.bytes()).name().toLowerCase(Locale.ROOT));
        Figures.add(o, "share_of_roof", c.share(roof));
        Figures.add(o, "allocated_bytes", c.allocated());
        Figures.add(o, "joules", c.joules());
        return o;
    }

    static JsonObject crossover(Crossover c) {
        JsonObject o = new JsonObject();
        o.addProperty("kernel", c.kernel());
        o.addProperty("slow", c.slow());
        o.addProperty("fast", c.fast());
        o.addProperty("always", c.isAlways());
        o.addProperty("unsure", c.isUnsure());
        Figures.add(o, "side", c.side());
        Figures.add(o, "low", c.low());
        Figures.add(o, "high", c.high());
        o.addProperty("crossings", c.crossings());
        return o;
    }

    // ---- reading

    /** @throws UserError if the file is none of this benchmark, or of a later version */
    static Json read(Path file) {
        Json json = Json.read(file);
        if (!json.has("format") || !json.required("format", String.class).equals(FORMAT)) {
            throw new UserError(file + ": is not a measurement of 'bench offload': it has no \"format\": \"" + FORMAT
                    + "\". Write one with --json FILE");
        }
        if (json.required("version", Integer.class) != VERSION) {
            throw json.wrong("version", "and this program reads version " + VERSION
                    + "; measure both with the same program");
        }
        return json;
    }

    static Estimate estimate(Json json) {
        Estimate estimate = new Estimate(json.required("mean", Double.class), json.number("low"),
                json.number("high"), json.number("least"),
                json.required("n", Integer.class));
        if (!(estimate.mean() > 0)) {
            throw json.wrong("mean", "expected seconds, above 0");
        }
        if (estimate.low() > estimate.mean() || estimate.high() < estimate.mean()) {
            throw json.wrong("mean", "expected a value between low and high");
        }
        return estimate;
    }
}
