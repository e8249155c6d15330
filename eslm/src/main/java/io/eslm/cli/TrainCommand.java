// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.checkpoint.Checkpoints;
import io.eslm.gpt2.checkpoint.ModelFolder;
import io.eslm.gpt2.data.DataSpec;
import io.eslm.gpt2.option.Option;
import io.eslm.gpt2.option.OptionError;
import io.eslm.gpt2.train.DivergedError;
import io.eslm.gpt2.train.TrainEvent;
import io.eslm.gpt2.train.TrainOptions;
import io.eslm.report.HtmlReport;
import io.eslm.run.RankOptions;
import io.eslm.run.Run;
import io.eslm.run.RunEngine;
import io.eslm.run.RunFolder;
import io.eslm.run.RunMember;
import io.eslm.run.RunPlan;
import io.eslm.run.RunResult;
import io.eslm.run.TaskPlan;
import io.eslm.select.Method;
import io.eslm.select.Methods;
import io.eslm.task.TaskFigures;
import io.eslm.tensor.UserError;
import io.eslm.web.HttpSite;
import io.eslm.web.RunSite;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Locale;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;

/** Trains a model: one {@link Run}. */
@Command(name = "train", abbreviateSynopsis = true,
        header = "Trains a GPT-2 with ESLM, and leaves a folder with checkpoints, metrics and a report.",
        description = {"",
            "Without options, trains a small model on the text that ships with the JDK, in minutes. Ctrl-C saves a checkpoint and "
                    + "shows how to resume; a second Ctrl-C quits at once.",
            ""},
        footer = {"", "Examples:", "  eslm train",
            "  eslm train --init-from gpt2/ --data book.txt --lora-rank 8 --learning-rate 1e-3",
            "  eslm train --data book.txt --method clm --max-iters 1000 --out-dir runs/book",
            "  eslm train --data data/owt --model gpt2 --batch-size 4 --grad-accum 8 --method var-entropy",
            "  eslm train --data book.txt --live",
            "  eslm train --data data/owt --eval-task piqa=valid.jsonl --eval-task arc_easy=test.parquet",
            "  eslm train --init-from gpt2/ --data book.txt --learning-rate 3e-5",
            "  eslm train --init-from resume --out-dir runs/book --max-iters 2000"})
public class TrainCommand extends EslmCommand {
    /** Continues a run: a value of {@link #INIT_FROM}. */
    protected static final String RESUME = "resume";
    private static final String SCRATCH = "scratch";
    /** What the first step starts with. */
    protected static final Option<String> INIT_FROM = Option.text("init from", "WHERE",
            "scratch, a model folder, or resume: continue the run in --out-dir, with its own options unless you give others")
            .defaultsTo(SCRATCH);
    /** Of a live run that says nothing else. */
    private static final int LIVE_RECORD_INTERVAL = 10;
    private static final Option<Integer> LOG_INTERVAL =
            Option.count("log interval", "steps between lines on the screen, if it is not a terminal")
                    .must("be at least 1", n -> n >= 1).defaultsTo(10);

    private static final Option<Integer> LIVE = Option.count("live",
            "serve a page that shows the run while it trains, with buttons to pause, step, save and stop, on port N or a free one; "
                    + "the address is printed. Records the layers every " + LIVE_RECORD_INTERVAL + " steps")
            .must("be a port, from 0 (a free one) to 65535", n -> n >= 0 && n <= 65535)
            .defaultsTo("no page", _ -> null);

    @Mixin
    private ConfigOptions config;

    @Override
    protected void declare(CommandSpec command) {
        options.add(command, "",
                List.of(Run.DATA, Run.TOKENIZER, INIT_FROM, Run.OUT_DIR, LOG_INTERVAL, Run.SAMPLE_PROMPT,
                        Run.TENSORBOARD,
                        Run.ACCEPT_CHANGED,
                        Run.BACKEND, Run.THREADS, Run.TAKE_OVER))
                .addOptional(command, LIVE, "0").add(command, "", List.of(HttpSite.HOST, Run.RECORD_INTERVAL))
                .add(command, "Tasks", TaskPlan.OPTIONS)
                .add(command, "Documents", DataSpec.options())
                .add(command, "Method", all(Run.METHOD, Methods.options()))
                .add(command, "Model", all(Run.PRESET, Gpt2Config.GROUP.options()))
                .add(command, "Training", TrainOptions.GROUP.options())
                .add(command, "Several processes", RankOptions.all());
        List<Option<?>> all = Methods.options();
        command.usageMessage().footer(Stream.of(Stream.of("", "Methods and their settings:"),
                Methods.all().stream().map(method -> lines(method, all)), Stream.of(command.usageMessage().footer()))
                .flatMap(lines -> lines).toArray(String[]::new));
    }

    /** {@code first}, then {@code rest}. */
    static List<Option<?>> all(Option<?> first, List<Option<?>> rest) {
        List<Option<?>> all = new ArrayList<>(List.of(first));
        all.addAll(rest);
        return all;
    }

    /** A method and its options, in lines of the help's width; with a default if the list of options does not have it. */
    private static String lines(Method method, List<Option<?>> all) {
        StringBuilder text = new StringBuilder();
        String line = String.format(Locale.ROOT, "  %-18s ", method.name());
        int indent = line.length();
        List<Option<?>> own = method.options().options();
        for (Option<?> o : own) {
            String word = o.key() + (all.contains(o) ? "" : " (default: " + o.defaultWords() + ")")
                    + (o == own.getLast() ? "" : ", ");
            if (line.length() + word.length() >= Main.WIDTH) {
                text.append(line).append("%n");
                line = " ".repeat(indent);
            }
            line += word.replace("%", "%%");
        }
        return text.append(line.stripTrailing()).toString();
    }

    /** The word that saves the settings, for a command that trains elsewhere. */
    protected Optional<String> configWord() {
        return config.word();
    }

    @Override
    protected int run(Terminal screen) {
        List<String> given = spec.commandLine().getParseResult().matchedOptions().stream()
                .map(o -> Options.name(o) + " " + ShellWords.quote(o.getValue().toString())).toList();
        screen.note("options: " + (given.isEmpty() ? "all defaults" : String.join(", ", given)));
        int logInterval = options.get(LOG_INTERVAL);
        if (!options.has(INIT_FROM) || !options.get(INIT_FROM).equals(RESUME)) {
            options.foldSettings(Run.DATA, DataSpec.options());
            options.keepData(Run.DATA, screen.progress());
        } else if (options.has(Run.DATA)) {
            options.foldSettings(Run.DATA, DataSpec.options());
        } else {
            options.texts(DataSpec.options()).forEach((option, text) -> {
                throw new OptionError(option, text, "a run that exists keeps its data. Omit the option");
            });
        }
        Run run = describe().arguments(spec.commandLine().getParseResult().expandedArgs()).progress(screen.progress())
                .notes(note -> screen.note("note: " + note.messageFor(DeclaredOptions::flag)));
        if (run.isMember()) {
            return follow(screen, run);
        }
        try (RunEngine engine = run.open()) {
            screen.endBar();
            config.save(settings(engine.plan())).ifPresent(file -> screen.note("config:  " + file));
            return Interrupt.during(screen, stop -> {
                announce(screen, engine);
                long first = engine.trainer().step();
                engine.listener(event -> show(screen, event, first, engine.plan(), logInterval));
                try {
                    return finish(screen, engine.plan(), engine.prompt(), options.has(LIVE) ? live(screen, engine, stop)
                            : engine.train(stop));
                } catch (DivergedError e) {
                    double rate = engine.plan().options().get(TrainOptions.LEARNING_RATE) / 2;
                    throw e.and("With half the learning rate it may go on: "
                            + resume(engine.plan(), DeclaredOptions.flag(TrainOptions.LEARNING_RATE),
                                    String.valueOf(rate)));
                }
            });
        }
    }

    /** As a rank other than 0. */
    private static int follow(Terminal screen, Run run) {
        try (RunMember member = run.join()) {
            screen.endBar();
            screen.note(String.format(Locale.ROOT, "rank %d of %d: trains with rank 0, which has the folder %s, on %s",
                    member.rank(), member.world(), member.plan().folder(), member.backend().description()));
            return Interrupt.during(screen, stop -> {
                RunResult result = member.train(stop);
                screen.note(String.format(Locale.ROOT, "rank %d of %d: %s after %d steps in %s", member.rank(),
                        member.world(), result.finished() ? "done" : "stopped at step " + result.step(),
                        result.trained(),
                        LogLines.duration(result.seconds())));
                return result.finished() ? 0 : Main.INTERRUPTED;
            });
        }
    }

    /** All that a new run needs to be this one again. */
    private ConfigOptions.Settings settings(RunPlan plan) {
        ConfigOptions.Settings run = new ConfigOptions.Settings("train").heading("Run")
                .put(Run.DATA, plan.data().lines().toList());
        if (!options.has(Run.TOKENIZER) && !options.has(INIT_FROM)) {
            options.runOptions(Run.GROUP).tokenizer(plan.data()).ifPresent(name -> run.put(Run.TOKENIZER, name));
        }
        return run
                .put(options.texts(List.of(Run.TOKENIZER, INIT_FROM, LOG_INTERVAL, Run.TENSORBOARD, Run.RECORD_INTERVAL,
                        Run.BACKEND, Run.THREADS)))
                .putLines(options.texts(TaskPlan.OPTIONS))
                .put(Run.SAMPLE_PROMPT, plan.prompt()).put(Run.METHOD, plan.method().toString())
                .heading("Model").put(Gpt2Config.GROUP.options(), plan.model().values())
                .heading("Training").put(TrainOptions.GROUP.options(), plan.options().values());
    }

    private RunResult live(Terminal screen, RunEngine engine, BooleanSupplier interrupted) {
        try (RunSite site = RunSite.live(engine.plan().folder(), options.get(HttpSite.HOST), LIVE,
                options.get(LIVE))) {
            ViewCommand.announce(screen, site);
            try {
                RunResult result = engine.train(() -> site.control().stops(interrupted, engine::save));
                site.end(result.finished() ? "All steps are done" : "Stopped and saved");
                return result;
            } catch (RuntimeException e) {
                site.end(String.valueOf(e.getMessage()));
                throw e;
            }
        }
    }

    /** The command that continues a run. A record keeps its options; where and how to show it is of each start. */
    private String resume(RunPlan plan, String... more) {
        List<String> words =
                new ArrayList<>(List.of(EslmCommand.PROGRAM, "train", DeclaredOptions.flag(INIT_FROM), RESUME,
                        DeclaredOptions.flag(Run.OUT_DIR), plan.folder().toString()));
        options.texts(List.of(LOG_INTERVAL, Run.SAMPLE_PROMPT, Run.TENSORBOARD, Run.BACKEND, Run.THREADS,
                Run.RECORD_INTERVAL, LIVE, HttpSite.HOST))
                .forEach((option, text) -> words.addAll(List.of(DeclaredOptions.flag(option), text)));
        options.texts(TaskPlan.OPTIONS).forEach((option, text) -> text.lines()
                .forEach(line -> words.addAll(List.of(DeclaredOptions.flag(option), line))));
        words.addAll(List.of(more));
        return ShellWords.command(words);
    }

    /** The run that the options describe. */
    protected Run describe() {
        String from = options.get(INIT_FROM);
        NanoGptWords.checkInitFrom(from);
        Run run = from.equals(RESUME) ? Run.resume() : Run.create();
        if (from.equals(RESUME) && config.saves()) {
            throw new UserError("--save-config: is for a new run; a run that exists keeps its settings in its folder");
        }
        if (options.has(LIVE)) {
            run.option(Run.RECORD_INTERVAL, LIVE_RECORD_INTERVAL);
        } else if (options.has(HttpSite.HOST)) {
            throw new UserError("--host: needs --live, which serves a page");
        }
        run.options(options.runOptions(Run.GROUP)).methodOptions(options.texts(Methods.options()));
        if (from.equals(RESUME) && !options.has(Run.OUT_DIR) && !run.isMember()) {
            throw new UserError("--init-from resume: name the run with --out-dir" + RunFolder.runs());
        }
        return from.equals(RESUME) || from.equals(SCRATCH) ? run : run.from(Path.of(from));
    }

    private static void announce(Terminal screen, RunEngine engine) {
        RunPlan plan = engine.plan();
        screen.note(String.format(Locale.ROOT, "%s: %,d parameters%s, %s, step %d of %d, %,d tokens a step, on %s",
                plan.folder(), plan.model().parameterCount(), plan.options().lowRank()
                        .map(lora -> String.format(Locale.ROOT, ", of which none is trained, and adapters with %,d",
                                lora.parameterCount(plan.model())))
                        .orElse(""),
                plan.method(), engine.trainer().step(),
                plan.options().get(TrainOptions.MAX_ITERS),
                (long) plan.options().get(TrainOptions.BATCH_SIZE) * plan.options().get(TrainOptions.GRAD_ACCUM)
                        * plan.model().blockSize(),
                engine.trainer().model().backend().description()));
    }

    private static void show(Terminal screen, TrainEvent event, long first, RunPlan plan, int logInterval) {
        switch (event) {
            case TrainEvent.Step s -> {
                int of = plan.options().get(TrainOptions.MAX_ITERS);
                screen.bar("train", s.step(), of, LogLines.compact(s));
                if (!screen.terminal() && (s.step() % logInterval == 0 || s.step() == first + 1 || s.step() == of)) {
                    screen.log(LogLines.step(s, of));
                }
            }
            case TrainEvent.Evaluated e -> screen.log(LogLines.evaluated(e));
            case TrainEvent.Tasks t -> screen.log("step " + t.step() + ": " + new TaskFigures(t.figures()).text());
            case TrainEvent.Sampled s -> screen.log("step " + s.step() + ": " + s.prompt() + s.text());
        }
    }

    private int finish(Terminal screen, RunPlan plan, String prompt, RunResult result) {
        screen.endBar();
        screen.note(String.format(Locale.ROOT, "%s after %d steps in %s, %s%s",
                result.finished() ? "done" : "stopped at step " + result.step() + " and saved,", result.trained(),
                LogLines.duration(result.seconds()), LogLines.flops(result.flops()),
                result.lastEvaluation().map(e -> String.format(Locale.ROOT, "; validation loss %.4f, perplexity %.2f%s",
                        e.result().loss(), e.result().perplexity(), LogLines.bitsPerByte(e.result()))).orElse("")));
        screen.note("report:  " + result.folder().resolve(HtmlReport.FILE));
        if (options.get(Run.TENSORBOARD)) {
            screen.note("events:  " + ShellWords.command(List.of("tensorboard", "--logdir",
                    result.folder().toString())));
        }
        if (plan.options().get(TrainOptions.KEEP_BEST)) {
            new Checkpoints(result.folder()).best().ifPresent(dir -> screen.note("best:    " + dir));
        }
        if (!result.finished()) {
            screen.note("resume:  " + resume(plan));
        } else if (ModelFolder.tokenizer(result.folder()).isPresent()) {
            screen.note("sample:  "
                    + ShellWords
                            .command(List.of(EslmCommand.PROGRAM, "sample", DeclaredOptions.flag(DeclaredOptions.MODEL),
                                    result.folder().toString(), "--prompt", prompt)));
        }
        return result.finished() ? 0 : Main.INTERRUPTED;
    }
}
