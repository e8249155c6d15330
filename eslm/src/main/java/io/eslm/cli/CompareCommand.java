// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.data.DataSource;
import io.eslm.gpt2.data.TokenData;
import io.eslm.gpt2.data.TokenSet.Half;
import io.eslm.gpt2.data.TokenSet;
import io.eslm.gpt2.train.TrainOptions;
import io.eslm.report.Comparison;
import io.eslm.report.Json;
import io.eslm.select.Methods;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Backend;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** Compares methods over seeds; what is set here, {@link CompareRuns} does. */
@Command(name = "compare", abbreviateSynopsis = true,
        header = "Trains with several methods over several seeds, and shows what each reached at what cost.",
        description = {"",
            "Per seed all methods begin with the same weights and see the data in the same order; clm is always among them. "
                    + "One run at a time, all methods of a seed before the next seed, in an order that rotates. Leaves "
                    + "compare.json, compare.html and the folder of every run. The curves are of --eval-iters batches of the half "
                    + "that --split names, the final figures of all of it. Begun anew with the same options, it goes "
                    + "on where it stopped; methods and seeds may be added.",
            ""},
        footer = {"", "Examples:",
            "  eslm compare --methods cvar-loss:alpha=0.1 var-entropy:alpha=0.1 random:alpha=0.1 --seeds 3",
            "  eslm compare --methods cvar-loss:alpha=0.1 cvar-loss:alpha=0.2 --split tune --out-dir runs/tuning",
            "  eslm compare --methods shortlist-sampling:keep-ratio=0.5,max-iters=800 --max-iters 600",
            "  eslm compare --report-only --out-dir runs/tuning"})
final class CompareCommand implements Callable<Integer> {
    private static final Set<String> OF_THE_REPORT = Set.of("--report-only", "--out-dir", "--json", "--verbose");

    @ParentCommand
    private Main program;
    @Spec
    private CommandSpec spec;
    @Option(names = "--methods", paramLabel = "METHOD", arity = "1..*",
            description = "names as --method of train takes them, each with its settings: NAME:key=value,key=value; "
                    + "separated by spaces. One more key, max-iters, gives a method steps of its own: more for one whose "
                    + "steps cost less")
    private List<String> methods;
    @Option(names = "--seeds", paramLabel = "N", defaultValue = "3",
            description = "runs of each method, with the seeds from --seed on (default: ${DEFAULT-VALUE})")
    private int seeds;
    @Option(names = "--data", paramLabel = "PATH", defaultValue = TrainDefaults.DATA,
            description = "as of train (default: ${DEFAULT-VALUE})")
    private String data;
    @Option(names = "--split", paramLabel = "HALF", defaultValue = "final",
            description = "half of the held-out data to evaluate on: tune, to choose settings by, or final, to report "
                    + "(default: ${DEFAULT-VALUE})")
    private String split;
    @Option(names = {"--out-dir", "--out_dir"}, paramLabel = "DIR",
            description = "folder of the comparison (default: " + TrainDefaults.RUNS + "/compare-DATA-SPLIT)")
    private Path outDir;
    @Option(names = {"--report-only", "--report_only"},
            description = "trains nothing: writes the report of what --out-dir holds")
    private boolean reportOnly;
    @Option(names = "--json", description = "prints the figures as one JSON object instead of tables")
    private boolean json;
    @Mixin
    private ModelOptions shape;
    @Mixin
    private StepOptions steps;
    @Mixin
    private BackendOptions backends;

    @Override
    public Integer call() {
        try (Terminal screen = program.screen(spec.commandLine())) {
            if (reportOnly) {
                checkReportOnly();
                show(outDir, screen);
                return 0;
            }
            return compare(screen);
        }
    }

    private void checkReportOnly() {
        for (OptionSpec option : spec.commandLine().getParseResult().matchedOptions()) {
            if (!OF_THE_REPORT.contains(Options.name(option))) {
                throw new UserError(
                        Options.name(option) + ": --report-only trains nothing and shows the folder as it is; "
                                + "leave the option out");
            }
        }
        if (outDir == null || !Files.exists(outDir.resolve(Comparison.SETTINGS))) {
            throw new UserError("--report-only: say with --out-dir which comparison"
                    + (outDir == null ? "" : "; " + outDir + " holds none (no " + Comparison.SETTINGS + ")"));
        }
    }

    private int compare(Terminal screen) {
        Map<ComparisonEntry, String> folders = folders();
        TrainOptions options = steps.fresh();
        check(options);
        Gpt2Config config = shape.scratch();
        TrainCommand.checkVocabulary(config);
        folders.keySet().forEach(entrant -> Methods.check(entrant.method(), config));
        Path dir = outDir == null ? RunFolder.ofComparison(data, split) : outDir;
        RunFolder.checkWritable(dir);
        try (Backend backend = backends.open()) {
            folders.keySet().forEach(entrant -> TrainCommand.checkMemory(backend, config, options, entrant.method()));
            TokenData tokens = half(DataSource.open(data, screen.progress()));
            screen.close();
            CompareFolder.open(dir, settings(folders, config, options, tokens, backend));
            return run(dir, screen,
                    new CompareRuns(dir, spec, screen, folders, config, steps, tokens, split, backend));
        }
    }

    private int run(Path dir, Terminal screen, CompareRuns runs) {
        try (Interrupt interrupt =
                new Interrupt(() -> screen.note("stopping after this step; Ctrl-C again quits at once"))) {
            try {
                List<String> diverged = new ArrayList<>();
                boolean done = runs.run(seeds, interrupt, diverged);
                show(dir, screen);
                if (!done) {
                    screen.note("stopped and saved; the same command goes on");
                    return Main.INTERRUPTED;
                }
                if (!diverged.isEmpty()) {
                    throw new UserError("runs that diverged have no figures: " + String.join("; ", diverged)
                            + ". Compare with a lower --learning-rate, in another --out-dir");
                }
                return 0;
            } catch (RuntimeException e) {
                // Here and not by the caller alone: once the interrupt is closed, the JVM may be gone before he speaks.
                if (interrupt.getAsBoolean()) {
                    screen.note("could not finish after Ctrl-C: " + e.getMessage());
                }
                throw e;
            }
        }
    }

    /** Each method and the name of its folders: clm first. */
    private Map<ComparisonEntry, String> folders() {
        if (methods == null) {
            throw new UserError("--methods: say which methods to compare with " + Comparison.BASE + ", for example "
                    + "--methods cvar-loss:alpha=0.1 var-entropy:alpha=0.1");
        }
        Map<ComparisonEntry, String> folders = new LinkedHashMap<>();
        ComparisonEntry base = ComparisonEntry.parse(Comparison.BASE);
        folders.put(base, base.label());
        boolean baseGiven = false;
        for (String text : methods) {
            ComparisonEntry entrant = ComparisonEntry.parse(text);
            boolean isBase = entrant.equals(base);
            if (folders.containsKey(entrant) && (!isBase || baseGiven)) {
                throw new UserError("--methods: " + entrant + " stands there twice");
            }
            if (!isBase && folders.containsValue(entrant.label())) {
                throw new UserError("--methods: " + entrant + " and another method would both go to a folder "
                        + entrant.label() + "; compare them in folders of their own");
            }
            baseGiven |= isBase;
            folders.put(entrant, entrant.label());
        }
        return folders;
    }

    private void check(TrainOptions options) {
        if (seeds < 1) {
            throw new UserError("--seeds " + seeds + ": must be at least 1");
        }
        if (!split.equals("tune") && !split.equals("final")) {
            throw new UserError("--split " + split + ": there are tune and final");
        }
        if (options.evalInterval() == 0) {
            throw new UserError("--eval-interval 0: a comparison needs its curves; give the steps between evaluations");
        }
        if (spec.commandLine().getParseResult().hasMatchedOption("--sample-interval")) {
            throw new UserError("--sample-interval: a comparison draws no samples; leave the option out");
        }
    }

    private TokenData half(TokenData whole) {
        TokenSet heldOut = whole.val().orElseThrow(() -> new UserError("--data " + data
                + ": nothing is held out to evaluate on; give more text, or a folder with val.bin"));
        return new TokenData(whole.train(), Optional.of(heldOut.half(Half.valueOf(split.toUpperCase(Locale.ROOT)))),
                whole.source(), whole.tokenizer());
    }

    /** What is asked for, and all that every run has in common. */
    private JsonObject settings(Map<ComparisonEntry, String> folders, Gpt2Config config, TrainOptions options,
            TokenData tokens, Backend backend) {
        JsonObject o = new JsonObject();
        o.addProperty("program", "eslm " + StandardOptions.Version.program());
        JsonObject all = new JsonObject();
        folders.forEach((entrant, folder) -> all.addProperty(entrant.toString(), folder));
        o.add("methods", all);
        JsonArray numbers = new JsonArray();
        for (int i = 0; i < seeds; i++) {
            numbers.add(options.seed() + i);
        }
        o.add("seeds", numbers);
        o.addProperty("data", data);
        o.addProperty("split", split);
        o.addProperty("parameters", config.parameterCount());
        o.add("model", Json.of(config));
        JsonObject common = Json.of(options);
        common.remove("seed");
        common.addProperty("sample_interval", 0);
        o.add("options", common);
        o.add("tokens", RunConfig.tokens(tokens));
        o.add("machine", RunConfig.machine(backend));
        return o;
    }

    private void show(Path dir, Terminal screen) {
        Comparison comparison = Comparison.read(dir);
        comparison.write(dir);
        screen.result(json ? Json.line(comparison.json()) : comparison.text());
        screen.note("report:  " + dir.resolve(Comparison.PAGE));
    }
}
