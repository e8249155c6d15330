// SPDX-License-Identifier: Apache-2.0
package io.eslm.report;

import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import io.eslm.gpt2.train.TrainEvent;
import io.eslm.select.TailLoss;
import io.eslm.tensor.io.AtomicFiles;
import java.io.IOException;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;

/**
 * What a training run leaves behind for people and tools: {@code config.json}, {@code metrics.jsonl} (one object a step and
 * one an evaluation, written through at once) and {@code samples/step-N.txt}.
 */
public final class RunLog implements AutoCloseable {
    public static final String CONFIG = "config.json";
    public static final String METRICS = "metrics.jsonl";
    public static final String SAMPLES = "samples";

    private final Path dir;
    private final Writer metrics;

    private RunLog(Path dir) {
        this.dir = dir;
        Path file = dir.resolve(METRICS);
        try {
            metrics = Files.newBufferedWriter(file, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        } catch (IOException e) {
            throw Disk.failed("write", file, e);
        }
    }

    /** Begins a run; {@code config} becomes {@value #CONFIG}. */
    public static RunLog begin(Path dir, JsonObject config) {
        Disk.folder(dir);
        AtomicFiles.writeString(dir.resolve(CONFIG), Json.pretty(config));
        return new RunLog(dir);
    }

    /** Goes on behind the checkpoint of {@code step}: what was logged after it is dropped, it will be logged anew. */
    public static RunLog resume(Path dir, JsonObject config, long step) {
        StringBuilder kept = new StringBuilder();
        for (JsonObject line : read(dir)) {
            if (line.get("step").getAsLong() <= step) {
                kept.append(Json.line(line)).append('\n');
            }
        }
        AtomicFiles.writeString(dir.resolve(METRICS), kept.toString());
        return begin(dir, config);
    }

    /** The lines of a run's metrics; a last one that was cut off by a crash is left out. */
    public static List<JsonObject> read(Path dir) {
        Path file = dir.resolve(METRICS);
        List<JsonObject> lines = new ArrayList<>();
        if (!Files.exists(file)) {
            return lines;
        }
        try {
            for (String line : Files.readAllLines(file)) {
                if (parse(line) instanceof JsonObject object && object.has("step")) {
                    lines.add(object);
                }
            }
            return lines;
        } catch (IOException e) {
            throw Disk.failed("read", file, e);
        }
    }

    private static JsonElement parse(String line) {
        try {
            return JsonParser.parseString(line);
        } catch (JsonParseException e) {
            return JsonNull.INSTANCE;
        }
    }

    /** Logs one event. */
    public void log(TrainEvent event) {
        switch (event) {
            case TrainEvent.Step s -> write(step(s));
            case TrainEvent.Evaluated e -> write(json(e));
            case TrainEvent.Sampled s -> {
                Path samples = Disk.folder(dir.resolve(SAMPLES));
                AtomicFiles.writeString(samples.resolve("step-" + s.step() + ".txt"), s.prompt() + s.text() + "\n");
            }
            case TrainEvent.Saved _ -> {
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
        o.add("flops", Json.of(s.flops()));
        return o;
    }

    /** An evaluation as its line. */
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
            throw Disk.failed("write", dir.resolve(METRICS), e);
        }
    }

    @Override
    public void close() {
        try {
            metrics.close();
        } catch (IOException e) {
            throw Disk.failed("write", dir.resolve(METRICS), e);
        }
    }
}
