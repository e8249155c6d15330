// SPDX-License-Identifier: Apache-2.0
package io.eslm.web;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.eslm.report.HtmlReport;
import io.eslm.report.RunLog;
import io.eslm.report.Visible;
import io.eslm.task.TaskFigures;
import io.eslm.task.TaskResult;
import io.eslm.tensor.UserError;
import io.eslm.tensor.io.FileErrors;
import io.eslm.tensor.io.Json;
import io.eslm.tensor.io.SealedJson;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * What pages show of a run, read from the files of its folder, in pieces: each answer names the place where the next one
 * begins. So a page that was away goes on where it was, a slow one misses nothing, and nothing waits in memory for either.
 */
final class RunFeed {
    /** Sample texts in one answer. */
    private static final int MOST_SAMPLES = 50;
    private static final int LONGEST_SAMPLE = 1 << 16;
    private static final List<String> STEP_FIELDS = List.of("step", "tokens", "loss", "kept_loss", "kept_fraction",
            "alpha", "var", "lr", "grad_norm", "ms", "tokens_per_s", "mfu");
    private static final String FLOPS = "flops";

    /** A place in each of the files. */
    private record Place(long identity, long metrics, long layers, long windows, long window, long sample,
            long config) {
        static final Place START = new Place(0, 0, 0, 0, 0, -1, 0);

        static Place parse(String text) {
            if (!text.matches("-?\\d{1,18}(,-?\\d{1,18}){6}")) {
                return START;
            }
            long[] n = Arrays.stream(text.split(",")).mapToLong(Long::parseLong).toArray();
            return Arrays.stream(n, 1, 4).anyMatch(v -> v < 0) ? START
                    : new Place(n[0], n[1], n[2], n[3], n[4], n[5], n[6]);
        }

        String text() {
            return String.join(",", Stream.of(identity, metrics, layers, windows, window, sample, config)
                    .map(String::valueOf).toList());
        }
    }

    private final Path dir;

    RunFeed(Path dir) {
        this.dir = dir;
    }

    /** The name of the run, for people. */
    String name() {
        return Visible.line(dir.toAbsolutePath().normalize().getFileName().toString());
    }

    /** Changes whenever there may be something new. */
    String stamp() {
        return FileTail.size(dir.resolve(RunLog.METRICS)) + " " + FileTail.size(dir.resolve(RunLog.LAYERS)) + " "
                + FileTail.modified(dir.resolve(HtmlReport.WINDOW)) + " "
                + FileTail.modified(dir.resolve(RunLog.SAMPLES))
                + " " + FileTail.identity(dir.resolve(RunLog.CONFIG)) + " "
                + FileTail.identity(dir.resolve(RunLog.METRICS));
    }

    /**
     * What is new since {@code place}.
     *
     * @param place from the last answer, or "" for the beginning
     */
    JsonObject read(String place) {
        Place from = Place.parse(place);
        JsonObject o = new JsonObject();
        long identity = FileTail.identity(dir.resolve(RunLog.METRICS));
        boolean other = from.identity() != identity || from.metrics() > FileTail.size(dir.resolve(RunLog.METRICS));
        if (other) {
            o.addProperty("reset", true);
            from = Place.START;
        }
        FileTail.Piece metrics = FileTail.read(dir.resolve(RunLog.METRICS), from.metrics());
        FileTail.Piece layers = FileTail.read(dir.resolve(RunLog.LAYERS), from.layers());
        FileTail.Piece windows = FileTail.read(dir.resolve(RunLog.WINDOWS), from.windows());
        steps(o, metrics.lines());
        o.add("layers", layers(layers.lines()));
        o.add("windows", list(windows.lines().stream().map(RunFeed::decisions).toList()));
        long window = FileTail.modified(dir.resolve(HtmlReport.WINDOW));
        if (window != from.window()) {
            o.add("window", window(Json.read(dir.resolve(HtmlReport.WINDOW))));
        }
        long config = FileTail.modified(dir.resolve(RunLog.CONFIG));
        if (config != from.config()) {
            o.add("about", about(Json.read(dir.resolve(RunLog.CONFIG))));
        }
        long sample = samples(o, from.sample());
        o.addProperty("more", metrics.more() || layers.more() || windows.more());
        o.addProperty("damaged", metrics.damaged() + layers.damaged() + windows.damaged());
        o.addProperty("place",
                new Place(identity, metrics.end(), layers.end(), windows.end(), window, sample, config).text());
        return o;
    }

    private static JsonArray list(List<JsonObject> all) {
        JsonArray list = new JsonArray();
        all.forEach(list::add);
        return list;
    }

    private static void steps(JsonObject o, List<Json> lines) {
        Columns steps = new Columns(Stream.concat(STEP_FIELDS.stream(), Stream.of(FLOPS)).toList());
        List<JsonObject> evaluations = new ArrayList<>();
        List<JsonObject> tasks = new ArrayList<>();
        for (Json line : lines) {
            if (line.object().has("val_loss")) {
                evaluations.add(evaluation(line.object()));
            } else if (!RunLog.isStep(line)) {
                tasks.add(tasks(line.object()));
            } else {
                STEP_FIELDS.forEach(field -> steps.add(field, Columns.number(line.object(), field)));
                steps.add(FLOPS, line.object().get(FLOPS) instanceof JsonObject flops
                        ? flops.keySet().stream().mapToDouble(kind -> Columns.number(flops, kind)).sum() : Double.NaN);
            }
        }
        o.add("steps", steps.json());
        o.add("evaluations", list(evaluations));
        o.add("tasks", list(tasks));
    }

    private static JsonObject evaluation(JsonObject line) {
        JsonObject o = new JsonObject();
        for (String field : List.of("step", "val_loss", "val_perplexity", "val_cvar90")) {
            o.add(field, Json.number(Columns.number(line, field)));
        }
        JsonArray domains = new JsonArray();
        if (line.get("domains") instanceof JsonObject all) {
            all.keySet().forEach(name -> domains.add(figure(name, Columns.number(all, name))));
        }
        o.add("domains", domains);
        return o;
    }

    /** The metrics of tasks, without standard errors. */
    private static JsonObject tasks(JsonObject line) {
        JsonObject o = new JsonObject();
        o.add("step", Json.number(Columns.number(line, "step")));
        JsonArray figures = new JsonArray();
        if (line.get(TaskFigures.FIELD) instanceof JsonObject all) {
            all.asMap().forEach((task, value) -> {
                if (value instanceof JsonObject metrics) {
                    metrics.keySet().stream().filter(name -> !name.endsWith(TaskResult.ERROR)).forEach(
                            name -> figures.add(figure(task + " " + name, Columns.number(metrics, name))));
                }
            });
        }
        o.add("figures", figures);
        return o;
    }

    private static JsonArray figure(String name, double value) {
        JsonArray pair = new JsonArray();
        pair.add(Visible.line(name));
        pair.add(Json.number(value));
        return pair;
    }

    /** Per picture: the names of its rows, and a column of values per step. */
    private static JsonObject layers(List<Json> lines) {
        JsonObject o = new JsonObject();
        Columns steps = new Columns(List.of("step"));
        lines.forEach(steps::add);
        o.add("step", steps.json().get("step"));
        for (String picture : lines.isEmpty() ? List.<String>of() : pictures(lines.getFirst().object())) {
            List<String> names = List.copyOf(lines.getFirst().object().getAsJsonObject(picture).keySet());
            List<Double> values = new ArrayList<>();
            for (Json line : lines) {
                JsonObject at = line.object().get(picture) instanceof JsonObject there ? there : new JsonObject();
                names.forEach(name -> values.add(Columns.number(at, name)));
            }
            JsonObject p = new JsonObject();
            JsonArray rows = new JsonArray();
            names.forEach(name -> rows.add(Visible.line(name)));
            p.add("rows", rows);
            p.addProperty("values", Columns.base64(values));
            o.add(picture, p);
        }
        return o;
    }

    private static List<String> pictures(JsonObject line) {
        return line.entrySet().stream().filter(e -> e.getValue() instanceof JsonObject).map(Map.Entry::getKey).toList();
    }

    /** One line of {@value RunLog#WINDOWS}: what was chosen at that step. */
    private static JsonObject decisions(Json line) {
        JsonObject o = new JsonObject();
        o.add("step", Json.number(line.number("step")));
        o.add("alpha", Json.number(line.number("alpha")));
        o.addProperty("loss", Columns.base64(line.list("loss", Double.class)));
        o.addProperty("entropy", Columns.base64(line.list("entropy", Double.class)));
        o.addProperty("selected", line.required("selected", String.class).replaceAll("[^01]", "0"));
        return o;
    }

    /** The tokens of the window, and the newest decisions. */
    private static JsonObject window(Json window) {
        JsonObject o = new JsonObject();
        for (String field : List.of("domain", "method", "risk")) {
            o.addProperty(field, Visible.line(window.required(field, String.class)));
        }
        o.add("alpha", Json.number(window.number("alpha")));
        List<Json> tokens = window.children("tokens");
        JsonArray texts = new JsonArray();
        StringBuilder selected = new StringBuilder();
        for (Json t : tokens) {
            texts.add(Visible.of(t.optional("text", String.class, "[" + t.required("id", Integer.class) + "] ")));
            selected.append(t.required("selected", Boolean.class) ? '1' : '0');
        }
        o.add("tokens", texts);
        for (String field : List.of("loss", "entropy")) {
            o.addProperty(field, Columns.base64(tokens.stream().map(t -> t.number(field)).toList()));
        }
        o.addProperty("selected", selected.toString());
        return o;
    }

    private static JsonObject about(Json config) {
        JsonObject o = new JsonObject();
        o.addProperty("method", Visible.line(config.required("method", String.class)));
        o.addProperty("data", Visible.line(config.required("data", String.class)));
        o.addProperty("parameters", config.count("parameters"));
        o.addProperty("maxIters", config.child("options").count("max_iters"));
        JsonArray settings = new JsonArray();
        settings("", config.object(), settings);
        o.add("settings", settings);
        return o;
    }

    private static void settings(String path, JsonObject values, JsonArray all) {
        values.asMap().forEach((name, value) -> {
            if (value instanceof JsonObject inner) {
                settings(path + name + ".", inner, all);
            } else if (!name.equals(SealedJson.FIELD)) {
                JsonArray pair = new JsonArray();
                pair.add(Visible.line(path + name));
                pair.add(Visible.line(value.isJsonPrimitive() ? value.getAsString() : value.toString()));
                all.add(pair);
            }
        });
    }

    /** Adds the samples after step {@code last}; returns the last one's step. */
    private long samples(JsonObject o, long last) {
        Path folder = dir.resolve(RunLog.SAMPLES);
        JsonArray samples = new JsonArray();
        o.add("samples", samples);
        if (!Files.isDirectory(folder)) {
            return last;
        }
        try (Stream<Path> files = Files.list(folder)) {
            List<Path> fresh = files.filter(f -> f.getFileName().toString().matches("step-\\d{1,18}\\.txt"))
                    .filter(f -> step(f) > last).sorted(Comparator.comparingLong(RunFeed::step)).toList();
            for (Path file : fresh.subList(Math.max(0, fresh.size() - MOST_SAMPLES), fresh.size())) {
                String text = Files.readString(file);
                JsonObject sample = new JsonObject();
                sample.addProperty("step", step(file));
                sample.addProperty("text",
                        Visible.of(UserError.within(LONGEST_SAMPLE, text)));
                samples.add(sample);
            }
            return fresh.isEmpty() ? last : step(fresh.getLast());
        } catch (IOException e) {
            throw FileErrors.failed("read", folder, e);
        }
    }

    private static long step(Path sample) {
        return Long.parseLong(sample.getFileName().toString().replaceAll("\\D", ""));
    }

    /** @throws UserError if the folder holds no run */
    void check() {
        if (!Files.exists(dir.resolve(RunLog.CONFIG))) {
            throw new UserError(dir + (Files.isDirectory(dir) ? ": holds no run (no " + RunLog.CONFIG + ")"
                    : ": there is no such folder"));
        }
    }
}
