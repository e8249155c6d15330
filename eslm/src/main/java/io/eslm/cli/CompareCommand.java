// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import io.eslm.compare.CompareEngine;
import io.eslm.compare.CompareEvent;
import io.eslm.compare.CompareResult;
import io.eslm.compare.Comparer;
import io.eslm.compare.Comparison;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.option.Option;
import io.eslm.gpt2.train.TrainEvent;
import io.eslm.gpt2.train.TrainOptions;
import io.eslm.run.RunOptions;
import io.eslm.tensor.UserError;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine;

/** Compares methods over seeds: one {@link Comparer}. */
@Command(name = "compare", abbreviateSynopsis = true,
        header = "Trains with several methods over several seeds, and shows what each reached at what cost.",
        description = {"",
            "For each seed, all methods start from the same weights and read the data in the same order. clm always takes part. "
                    + "Runs are sequential: all methods of one seed, in rotating order, then the next seed. The tables show means over the seeds "
                    + "with 95 %% intervals. Writes compare.json, "
                    + "compare.html, and one folder per run. Curves use --eval-iters batches of the half that --split names; "
                    + "final figures use all of it (but see --final-eval-iters). Run the same command again to continue a stopped comparison. You can add "
                    + "methods and seeds.",
            ""},
        footer = {"", "Examples:",
            "  eslm compare --methods cvar-loss:alpha=0.1 var-entropy:alpha=0.1 random:alpha=0.1",
            "  eslm compare --methods cvar-loss:alpha=0.1 cvar-loss:alpha=0.2 --split tune --out-dir runs/tuning",
            "  eslm compare --methods shortlist-sampling:keep-ratio=0.5,max-iters=800 --max-iters 600",
            "  eslm compare --methods cvar-loss:alpha=0.1 --eval-task piqa=valid.jsonl --eval-task sciq=test.parquet",
            "  eslm compare --report-only --out-dir runs/tuning", "",
            "The methods and their settings: eslm help train"})
public class CompareCommand extends EslmCommand {
    private static final Set<String> OF_THE_REPORT = Set.of("--report-only", "--out-dir", "--json", "--verbose",
            "--quiet", Color.FLAG);

    @Mixin
    private ConfigOptions config;
    @CommandLine.Option(names = {"--report-only", "--report_only"}, order = Options.LATE,
            description = "rewrite the report of --out-dir without training")
    private boolean reportOnly;
    @CommandLine.Option(names = "--json", order = Options.LATE,
            description = "print the figures as one JSON object instead of tables")
    private boolean json;

    @Override
    protected void declare(CommandSpec command) {
        command.addOption(OptionSpec.builder("--method", DeclaredOptions.flag(Comparer.METHODS)).arity("1..*")
                .type(List.class)
                .auxiliaryTypes(String.class).paramLabel(Comparer.METHODS.label()).description(Comparer.METHODS.help())
                .userObject(new DeclaredOptions.Heading("")).build());
        options.add(command, "",
                List.of(Comparer.SEEDS, Comparer.DATA, Comparer.TOKENIZER, Comparer.SPLIT, Comparer.OUT_DIR,
                        Comparer.FINAL_EVAL_ITERS, Comparer.TASKS, Comparer.TASK_LIMIT, Comparer.BACKEND,
                        Comparer.THREADS, Comparer.TAKE_OVER))
                .add(command, "Model", TrainCommand.all(Comparer.PRESET, Gpt2Config.GROUP.options()))
                .add(command, "Training", TrainOptions.GROUP.options());
    }

    @Override
    protected int run(Terminal screen) {
        return reportOnly ? report(screen) : compare(screen);
    }

    private int report(Terminal screen) {
        for (OptionSpec option : spec.commandLine().getParseResult().matchedOptions()) {
            if (!OF_THE_REPORT.contains(Options.name(option))) {
                throw new UserError(Options.name(option) + ": --report-only does not train. Omit the option");
            }
        }
        Path folder = options.has(Comparer.OUT_DIR) ? options.values(Comparer.GROUP).get(Comparer.OUT_DIR) : null;
        if (folder == null || !Files.exists(folder.resolve(Comparison.SETTINGS))) {
            throw new UserError("--report-only: name the comparison with --out-dir"
                    + (folder == null ? "" : "; " + folder + " holds none (no " + Comparison.SETTINGS + ")"));
        }
        Comparison comparison = Comparison.read(folder);
        comparison.write(folder);
        show(comparison, folder, screen);
        return 0;
    }

    /** Trains what is missing, and shows the figures; returns the exit code. */
    protected int compare(Terminal screen) {
        options.keepData(Comparer.DATA, screen.progress());
        try (CompareEngine engine = describe(screen).open()) {
            screen.endBar();
            saveConfig(screen);
            return Interrupt.during(screen, stop -> finish(screen, engine.run(stop)));
        }
    }

    /** Writes the settings, if the user wants it. */
    protected void saveConfig(Terminal screen) {
        config.save(settings(options.runOptions(Comparer.GROUP), methods()))
                .ifPresent(file -> screen.note("config:  " + file));
    }

    /** The comparison that the options describe. */
    protected Comparer describe(Terminal screen) {
        return Comparer.create().methods(methods()).options(options.runOptions(Comparer.GROUP))
                .arguments(spec.commandLine().getParseResult().expandedArgs()).progress(screen.progress())
                .listener(event -> hear(screen, event));
    }

    private List<String> methods() {
        List<String> methods = spec.findOption(DeclaredOptions.flag(Comparer.METHODS)).getValue();
        return methods == null ? List.of() : methods;
    }

    /** What was given, but for {@code without}, as words for the same command in a process that works in another folder. */
    protected List<String> words(List<Option<?>> without) {
        List<String> words = new ArrayList<>(options.words(without));
        methods().forEach(method -> words.add(
                DeclaredOptions.flag(Comparer.METHODS) + "=" + RootedValues.method(method)));
        return words;
    }

    /** Shows the figures; returns the exit code. */
    protected int finish(Terminal screen, CompareResult result) {
        screen.endBar();
        show(result.comparison(), options.values(Comparer.GROUP).get(Comparer.OUT_DIR), screen);
        if (!result.finished()) {
            screen.note("stopped and saved; run the same command to continue");
            return Main.INTERRUPTED;
        }
        if (!result.diverged().isEmpty()) {
            throw new UserError("runs that diverged have no figures: " + String.join("; ", result.diverged())
                    + ". Compare with a lower --learning-rate, in another --out-dir");
        }
        return 0;
    }

    private ConfigOptions.Settings settings(RunOptions values, List<String> methods) {
        ConfigOptions.Settings all = new ConfigOptions.Settings("compare").heading("Comparison")
                .put(Comparer.DATA, values.own().get(Comparer.DATA).lines().toList())
                .put(options.texts(List.of(Comparer.TOKENIZER, Comparer.BACKEND, Comparer.THREADS)))
                .putLines(options.texts(List.of(Comparer.TASKS, Comparer.TASK_LIMIT)))
                .put(List.of(Comparer.SEEDS, Comparer.SPLIT, Comparer.PRESET), values.own());
        if (!methods.isEmpty()) {
            all.put(Comparer.METHODS, methods);
        }
        List<Option<?>> training = new ArrayList<>(TrainOptions.GROUP.options());
        training.remove(TrainOptions.SAMPLE_INTERVAL); // a comparison draws no samples
        return all.heading("Model").put(options.texts(Gpt2Config.GROUP.options()))
                .heading("Training").put(training, values.training());
    }

    private static void hear(Terminal screen, CompareEvent event) {
        switch (event) {
            case CompareEvent.Started s -> screen.note(String.format(Locale.ROOT,
                    "%s: %d runs of %,d parameters, %d of them finished, on %s", s.folder(), s.runs(), s.parameters(),
                    s.finished(), s.device()));
            case CompareEvent.WarmingUp w -> screen.note("warming up " + w.method() + " …");
            case CompareEvent.Trained t -> hear(screen, t);
            case CompareEvent.Finished f -> {
                screen.endBar();
                screen.note(String.format(Locale.ROOT, "%s: loss %.4f, %s in %s%s", f.run(), f.result().loss(),
                        LogLines.flops(f.result().flops()), LogLines.duration(f.result().seconds()),
                        f.result().isDisturbed()
                                ? String.format(Locale.ROOT, "; other programs used %.0f %% of the CPU",
                                        100 * f.result().otherLoad())
                                : ""));
            }
            case CompareEvent.Tested t -> {
                screen.endBar();
                screen.note(t.run() + ": " + t.figures().text());
            }
            case CompareEvent.Diverged d -> {
                screen.endBar();
                screen.note(d.run() + ": " + d.reason());
            }
        }
    }

    private static void hear(Terminal screen, CompareEvent.Trained trained) {
        if (trained.event() instanceof TrainEvent.Step s) {
            screen.bar(trained.run(), s.step(), trained.maxIters(), LogLines.compact(s));
        } else if (trained.event() instanceof TrainEvent.Evaluated e && !screen.terminal()) {
            screen.note(String.format(Locale.ROOT, "%s: step %d of %d, validation loss %.4f", trained.run(), e.step(),
                    trained.maxIters(), e.result().loss()));
        }
    }

    private void show(Comparison comparison, Path folder, Terminal screen) {
        if (json) {
            screen.result(comparison.json());
        } else {
            screen.result(comparison.text());
        }
        screen.note("report:  " + folder.resolve(Comparison.PAGE));
    }
}
