// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import com.google.gson.JsonObject;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.checkpoint.Checkpoints;
import io.eslm.gpt2.data.TokenData;
import io.eslm.gpt2.train.Flops;
import io.eslm.gpt2.train.Objective;
import io.eslm.gpt2.train.TrainEvent;
import io.eslm.gpt2.train.TrainOptions;
import io.eslm.gpt2.train.Trainer;
import io.eslm.report.HtmlReport;
import io.eslm.report.RunLog;
import java.nio.file.Path;
import java.util.Locale;

/** One training run in its folder: steps, log, samples, checkpoints and report, until the end or until Ctrl-C. */
final class TrainRun {
    private final Path dir;
    private final Terminal screen;
    private final int logInterval;
    private final String prompt;
    private final Checkpoints checkpoints;

    private RunLog log;
    private Trainer trainer;
    private RunSnapshots observation;
    private long firstStep;
    private long savedStep = -1;
    private boolean evaluated;
    private TrainEvent.Evaluated lastEvaluation;
    private Flops flops = Flops.ZERO;

    TrainRun(Path dir, Terminal screen, int logInterval, String prompt) {
        this.dir = dir;
        this.screen = screen;
        this.logInterval = logInterval;
        this.prompt = prompt;
        this.checkpoints = new Checkpoints(dir);
    }

    /** Starts at step 0; returns the exit code. */
    int begin(Gpt2 model, Objective loss, TokenData data, TrainOptions options, JsonObject config) {
        try (Trainer made = new Trainer(model, loss, data, options, this::hear);
                RunLog opened = RunLog.begin(dir, config)) {
            return run(made, opened, data, loss, config);
        }
    }

    /** Goes on from {@code checkpoint}; returns the exit code. */
    int resume(Path checkpoint, Gpt2 model, Objective loss, TokenData data, TrainOptions options, JsonObject config) {
        try (Trainer made = new Trainer(model, loss, data, options, this::hear)) {
            Checkpoints.restore(made, checkpoint);
            savedStep = made.step();
            try (RunLog opened = RunLog.resume(dir, config, made.step())) {
                return run(made, opened, data, loss, config);
            }
        }
    }

    private int run(Trainer made, RunLog opened, TokenData data, Objective loss, JsonObject config) {
        trainer = made;
        log = opened;
        firstStep = made.step();
        observation = new RunSnapshots(made.model(), data, loss);
        screen.note(String.format(Locale.ROOT, "%s: %,d parameters, %s, step %d of %d, %,d tokens a step, on %s", dir,
                made.model().parameterCount(), config.get("method").getAsString(), firstStep, made.options().maxIters(),
                (long) made.options().batchSize() * made.options().gradAccum() * made.model().config().blockSize(),
                made.model().backend().description()));
        long start = System.nanoTime();
        try (Interrupt interrupt =
                new Interrupt(() -> screen.note("stopping after this step; Ctrl-C again quits at once"))) {
            try {
                trainer.run(interrupt, this::afterStep);
                save();
                report();
            } catch (RuntimeException e) {
                reportAfter(e);
                // Here and not by the caller alone: once the interrupt is closed, the JVM may be gone before he speaks.
                if (interrupt.getAsBoolean()) {
                    screen.note("could not finish after Ctrl-C: " + e.getMessage());
                }
                throw e;
            } finally {
                screen.close();
            }
            return finish((System.nanoTime() - start) * 1e-9);
        }
    }

    private void hear(TrainEvent event) {
        log.log(event);
        switch (event) {
            case TrainEvent.Step s -> {
                flops = flops.plus(s.flops());
                int of = trainer.options().maxIters();
                screen.bar("train", s.step(), of, LogLines.compact(s));
                if (!screen.terminal()
                        && (s.step() % logInterval == 0 || s.step() == firstStep + 1 || s.step() == of)) {
                    screen.result(LogLines.step(s, of));
                }
            }
            case TrainEvent.Evaluated e -> {
                screen.result(LogLines.evaluated(e));
                lastEvaluation = e;
                evaluated = true;
            }
            case TrainEvent.Sampled s -> screen.result("step " + s.step() + ": " + s.prompt() + s.text());
            case TrainEvent.Saved _ -> {
            }
        }
    }

    private void afterStep() {
        long step = trainer.step();
        if (due(trainer.options().sampleInterval())) {
            observation.sample(prompt, trainer.options().seed() + step)
                    .ifPresent(text -> hear(new TrainEvent.Sampled(step, prompt, text)));
        }
        if (due(trainer.options().checkpointInterval())) {
            save();
        }
        if (evaluated) {
            report();
            evaluated = false;
        }
    }

    private boolean due(int interval) {
        return interval > 0 && (trainer.step() % interval == 0 || trainer.step() == trainer.options().maxIters());
    }

    private void save() {
        if (trainer.step() > savedStep) {
            Path folder = checkpoints.save(trainer);
            savedStep = trainer.step();
            hear(new TrainEvent.Saved(savedStep, folder));
        }
    }

    private void report() {
        observation.writeWindow(dir);
        HtmlReport.write(dir);
    }

    /** What there is until then is shown all the same; the error itself matters more than one on the way. */
    private void reportAfter(RuntimeException error) {
        try {
            HtmlReport.write(dir);
        } catch (RuntimeException e) {
            error.addSuppressed(e);
        }
    }

    private int finish(double seconds) {
        long steps = trainer.step() - firstStep;
        boolean done = trainer.step() >= trainer.options().maxIters();
        screen.note(String.format(Locale.ROOT, "%s after %d steps in %s, %s%s",
                done ? "done" : "stopped at step " + trainer.step()
                        + " and saved,",
                steps, LogLines.duration(seconds), LogLines.flops(flops), lastEvaluation == null ? ""
                        : String.format(Locale.ROOT, "; validation loss %.4f, perplexity %.2f",
                                lastEvaluation.result().loss(),
                                lastEvaluation.result().perplexity())));
        screen.note("report:  " + dir.resolve(HtmlReport.FILE));
        screen.note(done ? "sample:  bin/eslm sample --model " + dir + " --prompt \"" + prompt + "\""
                : "go on:   bin/eslm train --init-from resume --out-dir " + dir);
        return done ? 0 : Main.INTERRUPTED;
    }
}
