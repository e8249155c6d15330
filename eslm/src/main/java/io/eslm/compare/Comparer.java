// SPDX-License-Identifier: Apache-2.0
package io.eslm.compare;

import java.util.function.Function;
import java.util.Map;
import io.eslm.gpt2.checkpoint.ModelFolder;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.data.DataSource;
import io.eslm.gpt2.data.Progress;
import io.eslm.gpt2.data.TokenData;
import io.eslm.gpt2.data.TokenSet;
import io.eslm.gpt2.data.TokenSet.Half;
import io.eslm.gpt2.option.Option;
import io.eslm.gpt2.option.OptionError;
import io.eslm.gpt2.option.OptionGroup;
import io.eslm.gpt2.option.OptionValues;
import io.eslm.gpt2.train.TrainOptions;
import io.eslm.run.FolderLock;
import io.eslm.run.Run;
import io.eslm.run.RunFolder;
import io.eslm.run.RunOptions;
import io.eslm.run.TaskPlan;
import io.eslm.task.EncodedTask;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/**
 * Describes a comparison and starts it. For each seed, all methods start from the same weights and read the data in the same
 * order; clm always takes part. A comparison that was stopped continues when it is started again with the same settings, and
 * methods and seeds can be added.
 */
public final class Comparer {
    private static final OptionGroup.Builder ALL = new OptionGroup.Builder();

    /** The training options of which a method may have its own values. */
    static final List<Option<?>> OWN = List.of(TrainOptions.MAX_ITERS, TrainOptions.BATCH_SIZE,
            TrainOptions.GRAD_ACCUM, TrainOptions.LEARNING_RATE, TrainOptions.MIN_LR, TrainOptions.WARMUP_ITERS,
            TrainOptions.WEIGHT_DECAY, TrainOptions.BETA1, TrainOptions.BETA2, TrainOptions.OPTIMIZER,
            TrainOptions.KEPT_BACKWARD);
    /** Names the methods; a list, so not part of {@link #GROUP}. */
    public static final Option<String> METHODS = Option.text("methods", "METHOD",
            "methods as in train, each with its settings: NAME:key=value,key=value; separated by spaces. More keys hold for "
                    + "one method alone: "
                    + OWN.stream().map(Option::key).collect(Collectors.joining(", "))
                    + ", so that a method with cheaper steps can take more of them; and tokenizer, with which it learns the "
                    + "same text in another vocabulary, and all is then compared in bits per byte");
    public static final Option<Integer> SEEDS = ALL.add(Option.count("seeds",
            "runs per method, with consecutive seeds; fewer than " + ComparisonTables.ENOUGH_SEEDS
                    + " give wide, unreliable intervals")
            .must("be at least 1", n -> n >= 1).defaultsTo(ComparisonTables.ENOUGH_SEEDS));
    public static final Option<String> DATA = ALL.add(Run.DATA);
    public static final Option<String> TOKENIZER = ALL.add(Run.TOKENIZER);
    public static final Option<String> SPLIT = ALL.add(Option.text("split", "HALF",
            "half of the held-out data to evaluate on: tune, to choose settings by, or final, to report")
            .must("be tune or final", half -> half.equals("tune") || half.equals("final")).defaultsTo("final"));
    public static final Option<Integer> FINAL_EVAL_ITERS = ALL.add(Option.count("final eval iters",
            "batches in the evaluation after the last step; 0: the whole half").must("be at least 0", n -> n >= 0)
            .defaultsTo(0));
    public static final Option<String> TASKS = ALL.add(Option.text("eval task", "TASK=FILE",
            "evaluate each finished run on a task, too, zero-shot; may be given several times, also for the parts of one task, and "
                    + "for a comparison that is finished (docs/tasks.md)")
            .defaultsTo("none", _ -> null));
    public static final Option<Integer> TASK_LIMIT = ALL.add(TaskPlan.LIMIT);
    public static final Option<Path> OUT_DIR = ALL.add(Option.path("out dir", "DIR", "folder of the comparison")
            .defaultsTo(RunFolder.RUNS + "/compare-DATA-SPLIT", Comparer::folder));
    public static final Option<String> PRESET = ALL.add(Run.PRESET);
    public static final Option<String> BACKEND = ALL.add(Run.BACKEND);
    public static final Option<Integer> THREADS = ALL.add(Run.THREADS);

    public static final Option<String> TAKE_OVER = ALL.add(Run.TAKE_OVER);

    /** Options of the comparison itself; the training and the model of all runs have their own. */
    public static final OptionGroup GROUP = ALL.build("Comparison");

    private RunOptions options = RunOptions.of(GROUP);
    private List<String> methods = List.of();
    private List<String> arguments = List.of();
    private Progress progress = Progress.SILENT;
    private Consumer<? super CompareEvent> listener = _ -> {
    };

    private Comparer() {
    }

    /** A comparison with default settings. */
    public static Comparer create() {
        return new Comparer();
    }

    private static Path folder(OptionValues values) {
        return Path.of(RunFolder.RUNS, "compare-" + RunFolder.named(values.get(DATA)) + "-" + values.get(SPLIT));
    }

    /** The methods to compare with clm: see {@link #METHODS}. */
    public Comparer methods(List<String> specs) {
        methods = List.copyOf(specs);
        return this;
    }

    /** The value of an option of {@link #GROUP}, {@link TrainOptions#GROUP} or {@link Gpt2Config#GROUP}. */
    public <T> Comparer option(Option<T> option, T value) {
        options = options.with(option, value);
        return this;
    }

    /** The values of several options. */
    public Comparer options(RunOptions values) {
        options = options.with(values);
        return this;
    }

    /** The command line, for the records of the runs. */
    public Comparer arguments(List<String> words) {
        arguments = List.copyOf(words);
        return this;
    }

    /** Hears the progress of the data preparation, and of evaluations on tasks. */
    public Comparer progress(Progress hears) {
        progress = hears;
        return this;
    }

    /** Hears how the comparison proceeds. */
    public Comparer listener(Consumer<? super CompareEvent> hears) {
        listener = hears;
        return this;
    }

    /** Trains every run that is not finished, until {@code stop} returns true, which is asked between steps. */
    public CompareResult start(BooleanSupplier stop) {
        try (CompareEngine engine = open()) {
            return engine.run(stop);
        }
    }

    /**
     * Prepares everything up to the first step.
     *
     * @throws io.eslm.tensor.UserError if a setting, the data, the folder, or the machine does not allow it
     */
    public CompareEngine open() {
        CompareSetup asked = asked();
        return open(asked, FolderLock.take(asked.folder(), asked.takeOver(), text -> progress.report(0, 0, text)));
    }

    /**
     * Like {@link #open}, for one of several processes that share the runs. One of them has locked the folder for all.
     *
     * @see CompareEngine#run(int, boolean)
     */
    public CompareEngine join() {
        return open(asked(), null);
    }

    /**
     * Checks the settings before any work; data is not opened.
     *
     * @return the number of runs
     * @throws io.eslm.tensor.UserError if something is wrong with them
     */
    public int check() {
        CompareSetup asked = asked();
        TaskPlan.of(options.own());
        return asked.entries().size() * asked.seeds();
    }

    private CompareSetup asked() {
        List<ComparisonEntry> entries = entries();
        OptionValues own = options.own();
        OptionValues training = options.training();
        if (training.get(TrainOptions.EVAL_INTERVAL) == 0) {
            throw new OptionError(TrainOptions.EVAL_INTERVAL, 0,
                    "a comparison needs evaluations; set it to at least 1");
        }
        if (training.isSet(TrainOptions.SAMPLE_INTERVAL)) {
            throw new OptionError(TrainOptions.SAMPLE_INTERVAL, null, "a comparison draws no samples. Omit the option");
        }
        CompareSetup asked = new CompareSetup(own.get(OUT_DIR), entries, own.get(SEEDS), own.get(DATA), own.get(SPLIT),
                own.get(FINAL_EVAL_ITERS), _ -> options.newModel(), training.with(TrainOptions.SAMPLE_INTERVAL, 0),
                arguments,
                own.find(TAKE_OVER));
        asked.check();
        return asked;
    }

    private CompareEngine open(CompareSetup asked, FolderLock lock) {
        List<ComparisonEntry> entries = asked.entries();
        OptionValues own = options.own();
        Backend backend = null;
        try {
            TaskPlan plan = TaskPlan.of(own);
            backend = Backends.open(own.get(BACKEND), own.get(THREADS));
            Map<String, TokenData> tokens = tokens(asked);
            Function<ComparisonEntry, TokenData> data = entry -> tokens.get(tokenizer(entry));
            CompareSetup setup = new CompareSetup(asked.folder(), entries, asked.seeds(), asked.data(), asked.split(),
                    asked.finalEvalIters(), entry -> options.newModel(data.apply(entry)), asked.training(), arguments,
                    asked.takeOver());
            setup.check();
            setup.checkMemory(backend);
            tokens.values().forEach(new TrainOptions(setup.training())::separator);
            Map<String, List<EncodedTask>> tasks = new HashMap<>();
            tokens.forEach((name, of) -> tasks.put(name, plan.read(of.tokenizer(), options.newModel(of))));
            CompareFolder.open(setup.folder(), setup.json(data.apply(entries.getFirst()), backend,
                    tasks.get(tokenizer(entries.getFirst()))));
            return new CompareEngine(setup, backend, data,
                    new CompareTasks(entry -> tasks.get(tokenizer(entry)), progress), listener, lock);
        } catch (RuntimeException e) {
            if (backend != null) {
                backend.close();
            }
            if (lock != null) {
                lock.close();
            }
            throw e;
        }
    }

    /** The data in each vocabulary, by what {@link #tokenizer} says. */
    private Map<String, TokenData> tokens(CompareSetup asked) {
        Map<String, TokenData> all = new HashMap<>();
        for (ComparisonEntry entry : asked.entries()) {
            String name = tokenizer(entry);
            if (!all.containsKey(name)) {
                TokenData whole = DataSource.open(asked.data(),
                        Optional.of(name).filter(n -> !n.isEmpty()).map(n -> ModelFolder.tokenizerAt(n)),
                        progress);
                if (asked.mixesVocabularies() && whole.tokenizer().isEmpty()) {
                    throw new OptionError(DATA, asked.data(),
                            "does not say which tokenizer its tokens are of, so a loss "
                                    + "in bits per byte, which compares vocabularies, is not known. Put the tokenizer beside them");
                }
                all.put(name, half(whole.forVocabulary(options.newModel(whole).vocabSize())));
            }
        }
        return all;
    }

    /** The tokenizer of a method: its own, the comparison's, or "" for that of the data. */
    private String tokenizer(ComparisonEntry entry) {
        return Optional.ofNullable(entry.ownTokenizer())
                .orElseGet(() -> options.tokenizer(options.own().get(DATA)).orElse(""));
    }

    /** clm first. */
    private List<ComparisonEntry> entries() {
        if (methods.isEmpty()) {
            throw new OptionError(METHODS, null, "name the methods to compare with " + Comparison.BASE
                    + ", for example cvar-loss:alpha=0.1 var-entropy:alpha=0.1");
        }
        ComparisonEntry base = ComparisonEntry.parse(Comparison.BASE);
        List<ComparisonEntry> given = methods.stream().map(ComparisonEntry::parse).toList();
        List<ComparisonEntry> entries = new ArrayList<>(List.of(base));
        for (ComparisonEntry entry : given) {
            if (given.stream().filter(entry::equals).count() > 1) {
                throw new OptionError(METHODS, null, entry + " is listed twice");
            }
            if (!entry.equals(base)) {
                if (entries.stream().anyMatch(e -> e.label().equals(entry.label()))) {
                    throw new OptionError(METHODS, null, entry + " and another method would both use folder "
                            + entry.label() + "; compare them in separate folders");
                }
                entries.add(entry);
            }
        }
        return entries;
    }

    private TokenData half(TokenData whole) {
        TokenSet heldOut = whole.val().orElseThrow(() -> new OptionError(DATA, options.own().get(DATA),
                "nothing is held out to evaluate on; give more text, or a folder with val.bin"));
        Half half = Half.valueOf(options.own().get(SPLIT).toUpperCase(Locale.ROOT));
        return new TokenData(whole.train(), Optional.of(heldOut.half(half)), whole.source(), whole.tokenizer());
    }
}
