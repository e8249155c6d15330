// SPDX-License-Identifier: Apache-2.0
package io.eslm.report;

import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import io.eslm.gpt2.train.Flops;
import io.eslm.gpt2.train.TrainEvent;
import io.eslm.select.token.TailLoss;
import io.eslm.tensor.io.AtomicFiles;
import io.eslm.tensor.io.FileErrors;
import io.eslm.tensor.io.FileTrees;
import io.eslm.tensor.io.Json;
import java.io.IOException;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * Writes the log of a run for people and tools: {@code config.json}, {@code metrics.jsonl} (one object per step and per
 * evaluation, flushed at once) and {@code samples/step-N.txt}.
 */
public final class RunLog implements AutoCloseable {
    public static final String CONFIG = "config.json";
    public static final String METRICS = "metrics.jsonl";
    public static final String SAMPLES = "samples";

    private final Path dir;
    private final Writer metrics;

    private RunLog(Path dir, StandardOpenOption mode) {
        this.dir = dir;
        Path file = dir.resolve(METRICS);
        try {
            metrics = Files.newBufferedWriter(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE, mode);
        } catch (IOException e) {
            throw FileErrors.failed("write", file, e);
        }
    }

    /**
     * Continues after the checkpoint of {@code step}. Drops later lines; the resumed run writes them again.
     *
     * @param config becomes {@value #CONFIG}
     * @param step -1 to start with an empty log
     */
    public static RunLog open(Path dir, JsonObject config, long step) {
        FileTrees.make(dir);
        if (step >= 0) {
            AtomicFiles.writeString(dir.resolve(METRICS), read(dir).stream()
                    .filter(line -> line.get("step").getAsLong() <= step).map(line -> Json.line(line) + "\n")
                    .collect(Collectors.joining()));
        }
        AtomicFiles.writeString(dir.resolve(CONFIG), Json.pretty(config));
        return new RunLog(dir, step >= 0 ? StandardOpenOption.APPEND : StandardOpenOption.TRUNCATE_EXISTING);
    }

    /** The lines of a run's metrics, unchecked: see {@link #lines}. */
    public static List<JsonObject> read(Path dir) {
        return lines(dir).stream().map(Json::object).toList();
    }

    /** The lines of a run's metrics, without a last one that a crash cut off. Each names itself in errors. */
    public static List<Json> lines(Path dir) {
        Path file = dir.resolve(METRICS);
        List<Json> lines = new ArrayList<>();
        if (!Files.exists(file)) {
            return lines;
        }
        try {
            int number = 0;
            for (String line : Files.readAllLines(file)) {
                Json json = Json.ofLine(file, ++number, parse(line).orElseGet(JsonObject::new));
                if (json.object().has("step")) {
                    json.count("step");
                    lines.add(json);
                }
            }
            return lines;
        } catch (IOException e) {
            throw FileErrors.failed("read", file, e);
        }
    }

    private static Optional<JsonObject> parse(String line) {
        try {
            return Optional.of(Json.parse(line));
        } catch (JsonParseException _) {
            return Optional.empty();
        }
    }

    /** Logs an event. */
    public void log(TrainEvent event) {
        switch (event) {
            case TrainEvent.Step s -> write(step(s));
            case TrainEvent.Evaluated e -> write(json(e));
            case TrainEvent.Sampled s -> {
                Path samples = FileTrees.make(dir.resolve(SAMPLES));
                AtomicFiles.writeString(samples.resolve("step-" + s.step() + ".txt"), s.prompt() + s.text() + "\n");
            }
        }
    }

    private static JsonObject step(TrainEvent.Step s) {
        JsonObject o = new JsonObject();
        o.addProperty("step", s.step());
        o.addProperty("tokens", s.tokens());
        o.addProperty("drawn", s.drawn());
        o.add("loss", Json.number(s.loss()));
        o.add("kept_loss", Json.number(s.keptLoss()));
        o.add("kept_fraction", Json.number(s.keptFraction()));
        o.add("alpha", Json.number(s.alpha()));
        o.add("var", Json.number(s.valueAtRisk()));
        o.add("lr", Json.number(s.learningRate()));
        o.add("grad_norm", Json.number(s.gradNorm()));
        o.add("ms", Json.number(Math.rint(s.seconds() * 1e6) / 1e3));
        o.add("tokens_per_s", Json.number(Math.rint(s.tokensPerSecond() * 10) / 10));
        o.add("mfu", Json.number(Math.rint(s.mfu() * 1e5) / 1e5));
        o.add("flops", json(s.flops()));
        return o;
    }

    /** FLOPs as an object. */
    public static JsonObject json(Flops flops) {
        JsonObject o = new JsonObject();
        o.addProperty("forward", flops.forward());
        o.addProperty("backward", flops.backward());
        o.addProperty("selection", flops.selection());
        o.addProperty("early_exit", flops.earlyExit());
        return o;
    }

    /** The FLOPs of a step's line. */
    public static Flops flops(Json step) {
        Json o = step.child("flops");
        return new Flops(o.count("forward"), o.count("backward"), o.count("selection"), o.count("early_exit"));
    }

    /** The line of an evaluation. */
    public static JsonObject json(TrainEvent.Evaluated e) {
        JsonObject o = new JsonObject();
        o.addProperty("step", e.step());
        o.add("val_loss", Json.number(e.result().loss()));
        o.add("val_perplexity", Json.number(e.result().perplexity()));
        o.add("val_cvar90", Json.number(TailLoss.of(e.result())));
        JsonObject domains = new JsonObject();
        e.result().domains().forEach((name, loss) -> domains.add(name, Json.number(loss)));
        o.add("domains", domains);
        o.addProperty("worst_domain", e.result().worstDomain());
        return o;
    }

    private void write(JsonObject line) {
        try {
            metrics.write(Json.line(line));
            metrics.write('\n');
            metrics.flush();
        } catch (IOException e) {
            throw FileErrors.failed("write", dir.resolve(METRICS), e);
        }
    }

    @Override
    public void close() {
        try {
            metrics.close();
        } catch (IOException e) {
            throw FileErrors.failed("write", dir.resolve(METRICS), e);
        }
    }
}
