// SPDX-License-Identifier: Apache-2.0
package io.eslm.run;

import io.eslm.gpt2.data.DataSource;
import io.eslm.gpt2.tokenizer.Tokenizer;
import io.eslm.gpt2.data.TokenData;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.checkpoint.ModelFolder;
import io.eslm.gpt2.collective.Collective;
import io.eslm.gpt2.data.Progress;
import io.eslm.gpt2.option.Option;
import io.eslm.gpt2.option.OptionGroup;
import io.eslm.gpt2.option.OptionValues;
import io.eslm.gpt2.train.TrainEvent;
import io.eslm.gpt2.train.TrainOptions;
import io.eslm.report.RunLog;
import io.eslm.select.MethodSpec;
import io.eslm.select.Methods;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/**
 * Describes a training run and starts it. A setting you omit takes its default; a resumed run keeps its settings.
 * {@snippet :
 * RunResult result = Run.create()
 *         .data("book.txt")
 *         .method("cvar-loss:alpha=0.1")
 *         .model(Gpt2Config.preset("demo"))
 *         .option(TrainOptions.MAX_ITERS, 100)
 *         .folder(Path.of("runs/book"))
 *         .listener(event -> System.out.println(event))
 *         .start();
 * }
 *
 * <p>Not thread-safe. Each call of {@link #start()} or {@link #open} is a run of its own.
 */
public final class Run {
    private static final OptionGroup.Builder ALL = new OptionGroup.Builder();

    public static final Option<String> DATA = ALL.add(Option.text("data", "PATH",
            "jdk, a text file, JSON lines, a table, Parquet, a folder or 'pattern*' of these, an http address, a .bin file, or a "
                    + "prepared folder; several as NAME=PATH:WEIGHT, each a domain (docs/data.md)")
            .defaultsTo("jdk"));
    public static final Option<String> TOKENIZER = ALL.add(Option.text("tokenizer", "PATH",
            "for text: gpt2, jdk, bytes, a tokenizer.json, a meta.pkl, a rank file, or a folder that holds one")
            .defaultsTo("that of the model or of the prepared data; jdk for the demo's model on its data; gpt2",
                    _ -> null));
    public static final Option<String> METHOD = ALL.add(Methods.METHOD);
    public static final Option<String> PRESET = ALL.add(Gpt2Config.PRESET);
    public static final Option<Path> OUT_DIR = ALL.add(Option.path("out dir", "DIR", "folder of the run")
            .defaultsTo("a new one in " + RunFolder.RUNS + "/", _ -> null));
    public static final Option<String> SAMPLE_PROMPT = ALL.add(
            Option.text("sample prompt", "TEXT", "beginning of the sample texts").defaultsTo("Returns the"));
    public static final Option<String> BACKEND = ALL.add(
            Option.text("backend", "NAME", "auto, or one that 'eslm backends' lists")
                    .must("be auto, or a name that 'eslm backends' lists", name -> name.equals("auto")
                            || Backends.all().stream().anyMatch(p -> p.name().equals(name)))
                    .defaultsTo("auto"));
    public static final Option<Integer> THREADS = ALL.add(Option.count("threads", "threads for kernels; 0: all cores")
            .must("be at least 0", n -> n >= 0).defaultsTo(0));
    public static final Option<Boolean> TENSORBOARD = ALL.add(Option.flag("tensorboard",
            "write event files for TensorBoard into the folder of the run: scalars, samples, and at the evaluation interval "
                    + "histograms of parameters and gradients"));
    public static final Option<Boolean> ACCEPT_CHANGED = ALL.add(Option.flag("accept changed checkpoint",
            "to resume: take files of the run that were changed on purpose, though their checksums differ"));

    public static final Option<Integer> RECORD_INTERVAL = ALL.add(
            Option.count("record interval", "steps between records of what happens inside the layers; 0: none")
                    .must("be at least 0", n -> n >= 0).defaultsTo(0));
    public static final Option<String> TAKE_OVER = ALL.add(
            Option.text("take over", "HOST", "let in despite a lock that a process on that host left when it ended")
                    .defaultsTo("none", _ -> null));

    static {
        TaskPlan.OPTIONS.forEach(option -> ALL.add(option));
        RankOptions.all().forEach(ALL::add);
    }

    /** Options of the run itself; its training, its model, and its method have their own. */
    public static final OptionGroup GROUP = ALL.build("Run");

    private final boolean resume;
    private RunOptions options = RunOptions.of(GROUP);
    private Path from;
    private Map<Option<?>, String> methodOptions = Map.of();
    private List<String> arguments = List.of();
    private Progress progress = Progress.SILENT;
    private Consumer<? super TrainEvent> listener = _ -> {
    };
    private Consumer<? super RunNote> notes = _ -> {
    };
    private RankPlace place;
    private boolean placed;
    private boolean goesOn;

    private Run(boolean resume) {
        this.resume = resume;
    }

    /** A new run. */
    public static Run create() {
        return new Run(false);
    }

    /** Continues the run in {@code folder} from its newest checkpoint, or from step 0 if it was stopped before the first. */
    public static Run resume(Path folder) {
        return new Run(true).folder(folder);
    }

    /** Continues a run as a rank other than 0, which needs no folder. */
    public static Run resume() {
        return new Run(true);
    }

    /** The text to train on: see {@link #DATA}. */
    public Run data(String source) {
        return option(DATA, source);
    }

    /** The folder of the run. It must not hold a run yet. */
    public Run folder(Path dir) {
        return option(OUT_DIR, dir);
    }

    /** The method, for example {@code cvar-loss:alpha=0.1}. */
    public Run method(String spec) {
        return option(METHOD, spec);
    }

    /** More values for options of the method, as text; they replace those in its specification. */
    public Run methodOptions(Map<Option<?>, String> values) {
        methodOptions = Map.copyOf(values);
        return this;
    }

    /** The shape of a new model. */
    public Run model(Gpt2Config config) {
        return options(new RunOptions(GROUP, OptionValues.defaults(GROUP), OptionValues.defaults(TrainOptions.GROUP),
                config.values()));
    }

    /** Starts with the weights of a model folder instead of random ones. The context may be shorter, the dropout another one. */
    public Run from(Path modelFolder) {
        from = modelFolder;
        return this;
    }

    /** The value of an option of {@link #GROUP}, {@link TrainOptions#GROUP} or {@link Gpt2Config#GROUP}. */
    public <T> Run option(Option<T> option, T value) {
        options = options.with(option, value);
        return this;
    }

    /** The values of several options. */
    public Run options(RunOptions values) {
        options = options.with(values);
        return this;
    }

    /** The command line, for the record in {@value RunLog#CONFIG}. */
    public Run arguments(List<String> words) {
        arguments = List.copyOf(words);
        return this;
    }

    /** Where this process stands among ranks, if not the options or the variables of a launcher say it. */
    public Run place(RankPlace among) {
        place = among;
        placed = true;
        return this;
    }

    /**
     * Lets a new run go on in a folder where it was stopped before. The settings must be the same.
     *
     * @see #resume(Path)
     */
    public Run goingOn() {
        goesOn = true;
        return this;
    }

    /** Hears the progress of the data preparation, and of evaluations on tasks. */
    public Run progress(Progress hears) {
        progress = hears;
        return this;
    }

    /** Hears each step, evaluation, and sample. */
    public Run listener(Consumer<? super TrainEvent> hears) {
        listener = hears;
        return this;
    }

    /** Hears, before the first step, what the run cannot do, and what differs from before. */
    public Run notes(Consumer<? super RunNote> hears) {
        notes = hears;
        return this;
    }

    /**
     * Trains to the last step.
     *
     * @throws io.eslm.tensor.UserError if a setting, the data, or the machine does not allow it; the message says why
     */
    public RunResult start() {
        return start(() -> false);
    }

    /** Trains until the last step or until {@code stop} returns true, which is asked between steps; either way it saves. */
    public RunResult start(BooleanSupplier stop) {
        if (isMember()) {
            try (RunMember member = join()) {
                return member.train(stop);
            }
        }
        try (RunEngine engine = open()) {
            return engine.train(stop);
        }
    }

    /**
     * Prepares everything up to the first step. The folder of the run is locked until {@link RunEngine#close}; nothing else is
     * written before {@link RunEngine#train}.
     */
    public RunEngine open() {
        Optional<RankPlace> place = place();
        place.ifPresent(_ -> options = RankOptions.ordered(options));
        RunPlan given = resume ? null : fresh();
        TaskPlan tasks = TaskPlan.of(options.own());
        boolean there = !resume && isThere(given);
        FolderLock lock = resume || there ? lockExisting() : lockNew(given);
        Backend backend = null;
        Collective ranks = null;
        try {
            RunPlan asked = resume ? existing()
                    : there ? Resumption.goOn(given) : given.in(lock.folder());
            Optional<Tokenizer> tokenizer = RunData.tokenizer(asked,
                    resume || from != null ? options.own().find(TOKENIZER) : options.tokenizer(asked.data()), resume);
            if (place.isPresent()) {
                RankTalk.checkShare(asked, place.get().world());
                ranks = RankTalk.join(place.get(), this::note);
                new RankTalk(ranks).tellSettings(asked, tokenizer);
            }
            Backend opened = Backends.open(options.own().get(BACKEND), options.own().get(THREADS));
            backend = opened;
            TokenData data = DataSource.open(asked.data(), tokenizer, progress);
            RunPlan plan = resume || from != null ? asked : asked.with(options.newModel(data));
            plan.check();
            if (there) {
                Resumption.checkModel(plan);
            }
            plan.checkMemory(opened, place.map(RankPlace::world).orElse(1));
            plan.memoryPlan(opened).ifPresent(this::note);
            place.filter(p -> p.world() > 1).ifPresent(p -> note(RankTalk.memory(plan, p.world())));
            Runnable atEnd = () -> {
                opened.close();
                lock.close();
            };
            return new RunEngine(plan, opened, atEnd, data.forVocabulary(plan.model().vocabSize()), true, ranks)
                    .guard(lock).tasks(RunTasks.of(tasks, options.own(), data, plan.model(), progress))
                    .record(options.own().get(RECORD_INTERVAL)).listener(listener).notes(notes)
                    .tensorBoard(options.own().get(TENSORBOARD));
        } catch (RuntimeException | Error e) {
            if (ranks != null) {
                ranks.abort(String.valueOf(e.getMessage()));
            }
            if (backend != null) {
                backend.close();
            }
            lock.close();
            throw e;
        }
    }

    /**
     * Checks the settings, and the folders that they name, before any work; data is not opened.
     *
     * @throws io.eslm.tensor.UserError if something is wrong with them
     */
    public void check() {
        Optional<RankPlace> among = place();
        among.ifPresent(_ -> options = RankOptions.ordered(options));
        RunPlan plan = resume ? existing() : fresh();
        TaskPlan.of(options.own());
        if (!resume && isThere(plan)) {
            Resumption.goOn(plan);
        } else if (!resume) {
            RunFolder.checkNew(plan.folder());
        }
        among.ifPresent(p -> RankTalk.checkShare(plan, p.world()));
    }

    /** Whether the folder of a new run holds it already. */
    private boolean isThere(RunPlan plan) {
        return goesOn && Files.exists(plan.folder().resolve(RunLog.CONFIG));
    }

    private RunPlan existing() {
        RunFolder.checkExisting(options.own().get(OUT_DIR));
        return new Resumption(options, methodOptions, arguments).resumed();
    }

    /** Where this process stands among ranks; empty if it is by itself. Looked up once: a secret may come from a pipe. */
    private Optional<RankPlace> place() {
        if (!placed) {
            place = RankOptions.of(options.own(), System.getenv()).map(RankOptions.Place::meeting).orElse(null);
            placed = true;
        }
        return Optional.ofNullable(place);
    }

    /** True if this process is a rank other than 0: then {@link #join} it instead of {@link #open}. */
    public boolean isMember() {
        return place().filter(p -> p.rank() > 0).isPresent();
    }

    /** Joins a training of several ranks, as one other than 0, up to its first step. */
    public RunMember join() {
        return RunMember.join(place().orElseThrow(), options, methodOptions, progress, this::note).listener(listener);
    }

    private RunPlan fresh() {
        OptionValues own = options.own();
        String data = own.get(DATA);
        MethodSpec spec = MethodSpec.parse(own.get(METHOD), methodOptions);
        RunPlan plan = new RunPlan(own.find(OUT_DIR).orElseGet(() -> RunFolder.usual(data, spec)), data, spec,
                from == null ? options.newModel() : options.shapeOf(ModelFolder.check(from), from),
                options.trainOptions(),
                own.get(SAMPLE_PROMPT), Optional.ofNullable(from), Optional.empty(), Optional.empty(), arguments,
                Map.of(), List.of());
        plan.check();
        return plan;
    }

    private FolderLock lockNew(RunPlan plan) {
        return options.own().find(OUT_DIR).isPresent()
                ? RunFolder.claimNamed(plan.folder(), options.own().find(TAKE_OVER), this::note)
                : RunFolder.claim(plan.folder(), this::note);
    }

    private FolderLock lockExisting() {
        Path folder = options.own().get(OUT_DIR);
        RunFolder.checkExisting(folder);
        return FolderLock.take(folder, options.own().find(TAKE_OVER), this::note);
    }

    private void note(String text) {
        notes.accept(RunNote.of(text));
    }
}
