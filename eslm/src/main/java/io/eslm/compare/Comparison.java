// SPDX-License-Identifier: Apache-2.0
package io.eslm.compare;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.eslm.tensor.io.AtomicFiles;
import io.eslm.tensor.io.Json;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * The figures of the finished runs of several methods over several seeds, each as a mean over the seeds with a 95 % interval. It
 * reads the folder of the comparison: {@value #SETTINGS} and one folder per seed and method.
 */
public final class Comparison {
    /** The settings: methods, seeds, and everything that the runs have in common. */
    public static final String SETTINGS = "comparison.json";
    /** The figures of {@link #json}. */
    public static final String FIGURES = "compare.json";
    /** The page. */
    public static final String PAGE = "compare.html";
    /** The commits that trained the runs, in {@link #SETTINGS}. */
    static final String COMMIT = "commit";
    /** True in {@link #SETTINGS} if the runs have different vocabularies, so that only bits per byte can be compared. */
    static final String MIXED = "mixed_vocabularies";
    /** {@link Comparer#FINAL_EVAL_ITERS}, if the last evaluation did not use the whole half. */
    static final String FINAL_EVAL_ITERS = "final_eval_iters";
    /** The method that the others are compared with. */
    public static final String BASE = "clm";

    private static final Pattern NAME = Pattern.compile("(?!\\.\\.?$)[^/\\\\\\p{Cntrl}]+");

    private final Json settings;
    private final List<ComparedMethod> methods = new ArrayList<>();

    private Comparison(Path dir) {
        settings = Json.read(dir.resolve(SETTINGS));
        Map<Long, ComparedRun> base = new LinkedHashMap<>();
        for (ComparedRun run : runs(dir, BASE)) {
            base.put(run.seed(), run);
        }
        Map<String, String> folders = settings.map("methods", String.class);
        for (String method : folders.keySet()) {
            List<ComparedRun> runs = runs(dir, method);
            if (!runs.isEmpty()) {
                List<ComparedRun> others = new ArrayList<>();
                runs.forEach(run -> others.add(base.get(run.seed())));
                methods.add(new ComparedMethod(method, folders.get(method), runs, others));
            }
        }
    }

    private List<ComparedRun> runs(Path dir, String method) {
        List<ComparedRun> finished = new ArrayList<>();
        Json folders = settings.child("methods");
        String folder = folders.required(method, String.class);
        if (!NAME.matcher(folder).matches()) {
            throw folders.wrong(method, "expected the name of a folder");
        }
        for (long seed : settings.list("seeds", Long.class)) {
            Path run = folder(dir, seed, folder);
            if (ComparedRun.isFinished(run)) {
                finished.add(ComparedRun.read(run, seed, mixed()));
            }
        }
        return finished;
    }

    /** The comparison in {@code dir}. */
    public static Comparison read(Path dir) {
        return new Comparison(dir);
    }

    /** The folder of a run. */
    public static Path folder(Path dir, long seed, String method) {
        return dir.resolve("seed-" + seed).resolve(method);
    }

    /** True if the run in {@code run} is finished. */
    public static boolean isFinished(Path run) {
        return ComparedRun.isFinished(run);
    }

    /**
     * Marks the run in {@code run} as finished.
     *
     * @param evaluation over the whole half, after the last step
     * @param otherLoad share of the CPU that other programs used meanwhile; NaN if unknown
     */
    public static ComparedRun finish(Path run, long seed, JsonObject evaluation, double otherLoad) {
        JsonObject end = evaluation.deepCopy();
        end.add(ComparedRun.OTHER_LOAD, Json.number(otherLoad));
        AtomicFiles.writeString(run.resolve(ComparedRun.FINAL), Json.pretty(end));
        return ComparedRun.read(run, seed, false);
    }

    /** Writes {@value #FIGURES} and {@value #PAGE}. */
    public void write(Path dir) {
        AtomicFiles.writeString(dir.resolve(FIGURES), Json.pretty(json()));
        AtomicFiles.writeString(dir.resolve(PAGE), ComparisonHtml.of(this));
    }

    /** Whether the curves are in bits per byte, because the runs have different vocabularies. */
    boolean mixed() {
        return settings.optional(MIXED, Boolean.class, false);
    }

    /** Batches in the last evaluation; 0 if it used the whole half. */
    int finalEvalIters() {
        return settings.optional(FINAL_EVAL_ITERS, Integer.class, 0);
    }

    /** The unit of {@link ComparedRun.Point#loss}. */
    String lossUnit() {
        return mixed() ? "bits per byte" : "nats per token";
    }

    Json settings() {
        return settings;
    }

    List<ComparedMethod> methods() {
        return methods;
    }

    /** Where the figures come from; {@code other_load} is the highest of a run. Null for what an older version did not record. */
    private JsonObject provenance() {
        JsonObject o = new JsonObject();
        for (String field : List.of("program", COMMIT, "date")) {
            o.add(field, settings.object().get(field));
        }
        o.add("other_load", Json.number(methods.stream().flatMap(m -> m.runs().stream())
                .mapToDouble(ComparedRun::otherLoad).filter(Double::isFinite).max().orElse(Double.NaN)));
        o.add("machine", settings.object().get("machine"));
        return o;
    }

    /** All figures. */
    public JsonObject json() {
        JsonObject o = new JsonObject();
        o.addProperty("base", BASE);
        o.addProperty("split", settings.required("split", String.class));
        if (finalEvalIters() > 0) {
            o.addProperty(FINAL_EVAL_ITERS, finalEvalIters());
        }
        o.addProperty(MIXED, mixed());
        JsonArray all = new JsonArray();
        methods.forEach(method -> all.add(method.json()));
        o.add("methods", all);
        o.add("provenance", provenance());
        return o;
    }

    /** The tables and the notes on them. */
    public String text() {
        ComparisonTables tables = new ComparisonTables(this);
        StringBuilder text = new StringBuilder();
        tables.all().forEach(table -> text.append(table.text()).append('\n'));
        tables.notes().forEach(note -> text.append(note).append('\n'));
        return text.toString().stripTrailing();
    }

    FlopUnit unit() {
        return FlopUnit.fitting(methods.stream().flatMap(m -> m.runs().stream())
                .mapToDouble(run -> run.flops().total()).max().orElse(0));
    }
}
