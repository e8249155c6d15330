// SPDX-License-Identifier: Apache-2.0
package io.eslm.report;

import com.google.gson.JsonObject;
import io.eslm.gpt2.train.Flops;
import io.eslm.gpt2.train.TrainEvent;
import io.eslm.select.token.TailLoss;
import io.eslm.task.TaskFigures;
import io.eslm.tensor.UserError;
import io.eslm.tensor.io.AtomicFiles;
import io.eslm.tensor.io.FileTrees;
import io.eslm.tensor.io.Json;
import io.eslm.tensor.io.SealedJson;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * Writes the log of a run for people and tools: {@code config.json}, {@code metrics.jsonl} (one object per step and per
 * evaluation, flushed at once) and {@code samples/step-N.txt}.
 */
public final class RunLog implements AutoCloseable {
    public static final String CONFIG = "config.json";
    public static final String METRICS = "metrics.jsonl";
    /** In the line of an evaluation, if the tokenizer is known. */
    public static final String BITS_PER_BYTE = "val_bits_per_byte";
    public static final String SAMPLES = "samples";
    /** One object per recorded step: docs/watching.md. */
    public static final String LAYERS = "layers.jsonl";
    /** One object per record of the window: docs/watching.md. */
    public static final String WINDOWS = "windows.jsonl";

    private final Path dir;
    private final StepLog metrics;
    private final List<String> repairs;

    private RunLog(Path dir, List<String> repairs) {
        this.dir = dir;
        this.repairs = List.copyOf(repairs);
        metrics = StepLog.append(dir.resolve(METRICS));
    }

    /**
     * Writes {@code config} as {@value #CONFIG}, then continues the log after {@code step}. Drops later lines; the resumed run
     * writes them again.
     *
     * @param step 0 to start with an empty log
     * @throws UserError naming the line if the log is damaged before its end
     */
    public static RunLog open(Path dir, JsonObject config, long step) {
        AtomicFiles.removeLeftovers(FileTrees.make(dir), Duration.ZERO);
        AtomicFiles.removeLeftovers(dir.resolve(SAMPLES), Duration.ZERO);
        List<String> repairs = step > 0 ? check(dir, step) : List.of();
        AtomicFiles.writeString(dir.resolve(CONFIG), SealedJson.text(config));
        for (String file : List.of(LAYERS, WINDOWS, METRICS)) { // pages begin anew when the metrics change: last
            StepLog.cut(dir.resolve(file), step);
        }
        for (Path sample : HtmlReport.sampleFiles(dir)) {
            if (HtmlReport.step(sample) > step) {
                FileTrees.delete(sample);
            }
        }
        return new RunLog(dir, repairs);
    }

    /**
     * What a resumed run finds wrong in the log, in a sentence each.
     *
     * @throws UserError as {@link #open}
     */
    private static List<String> check(Path dir, long step) {
        Path file = dir.resolve(METRICS);
        long[] last = new long[1];
        long[] beyond = {step};
        long torn = MetricsFile.read(file, line -> {
            long at = line.count("step");
            if (line.has("loss") && at <= step) {
                last[0] = Math.max(last[0], at);
            }
            beyond[0] = Math.max(beyond[0], at);
        });
        List<String> repairs = new ArrayList<>();
        if (torn > 0) {
            repairs.add(
                    file + " ends in " + torn + " bytes that are no whole line, as a crash leaves them; they are cut");
        }
        if (last[0] < step) {
            repairs.add(file + " ends at step " + last[0] + ", before the checkpoint of step " + step
                    + ": the lines of the steps between are lost, the training is not");
        }
        if (beyond[0] > step) {
            repairs.add("the run had reached step " + beyond[0] + "; its newest checkpoint is of step " + step + ", so "
                    + (beyond[0] == step + 1 ? "1 step is" : beyond[0] - step + " steps are") + " trained again");
        }
        return repairs;
    }

    /** What was wrong with the log that {@link #open} continues, or is behind it; a sentence each. */
    public List<String> repairs() {
        return repairs;
    }

    /** The lines of a run's metrics, unchecked: see {@link #lines}. */
    public static List<JsonObject> read(Path dir) {
        return lines(dir).stream().map(Json::object).toList();
    }

    /**
     * The lines of a run's metrics, without what a crash cut off at the end. Each names itself in errors.
     *
     * @throws UserError naming the line if the log is damaged before its end
     */
    public static List<Json> lines(Path dir) {
        List<Json> lines = new ArrayList<>();
        MetricsFile.read(dir.resolve(METRICS), lines::add);
        return lines;
    }

    /** Logs an event. */
    public void log(TrainEvent event) {
        switch (event) {
            case TrainEvent.Step s -> metrics.write(json(s));
            case TrainEvent.Evaluated e -> metrics.write(json(e));
            case TrainEvent.Tasks t -> metrics.write(json(t));
            case TrainEvent.Sampled s -> {
                Path samples = FileTrees.make(dir.resolve(SAMPLES));
                AtomicFiles.writeString(samples.resolve("step-" + s.step() + ".txt"), s.prompt() + s.text() + "\n");
            }
        }
    }

    /** The line of a step. */
    public static JsonObject json(TrainEvent.Step s) {
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
        e.result().bitsPerByte().ifPresent(bits -> o.add(BITS_PER_BYTE, Json.number(bits)));
        o.add("val_cvar90", Json.number(TailLoss.of(e.result())));
        JsonObject domains = new JsonObject();
        e.result().domains().forEach((name, loss) -> domains.add(name, Json.number(loss)));
        o.add("domains", domains);
        o.addProperty("worst_domain", e.result().worstDomain());
        return o;
    }

    /** The line of an evaluation on tasks. */
    public static JsonObject json(TrainEvent.Tasks t) {
        JsonObject o = new JsonObject();
        o.addProperty("step", t.step());
        o.add(TaskFigures.FIELD, new TaskFigures(t.figures()).json());
        return o;
    }

    /** Whether a line is that of a step. */
    public static boolean isStep(Json line) {
        return !line.object().has("val_loss") && !line.object().has(TaskFigures.FIELD);
    }

    /** Makes the lines so far durable, so that a power cut cannot take them from under a checkpoint that follows. */
    public void force() {
        metrics.force();
    }

    @Override
    public void close() {
        metrics.close();
    }
}
