// SPDX-License-Identifier: Apache-2.0
package io.eslm.run;

import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.checkpoint.Checkpoints;
import io.eslm.gpt2.checkpoint.ModelFolder;
import io.eslm.gpt2.data.DataSource;
import io.eslm.gpt2.data.Progress;
import io.eslm.gpt2.option.Option;
import io.eslm.gpt2.option.OptionError;
import io.eslm.gpt2.option.OptionGroup;
import io.eslm.gpt2.option.OptionValues;
import io.eslm.gpt2.train.TrainEvent;
import io.eslm.gpt2.train.TrainOptions;
import io.eslm.report.RunLog;
import io.eslm.select.MethodSpec;
import io.eslm.select.Methods;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import io.eslm.tensor.io.Json;
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
            "jdk, a text file, a folder of text, a .bin file, or a prepared folder").defaultsTo("jdk"));
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

    private Run(boolean resume) {
        this.resume = resume;
    }

    /** A new run. */
    public static Run create() {
        return new Run(false);
    }

    /** Continues the run in {@code folder} from its newest checkpoint. */
    public static Run resume(Path folder) {
        return new Run(true).folder(folder);
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

    /** Hears the progress of the data preparation. */
    public Run progress(Progress hears) {
        progress = hears;
        return this;
    }

    /** Hears each step, evaluation, and sample. */
    public Run listener(Consumer<? super TrainEvent> hears) {
        listener = hears;
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
        try (RunEngine engine = open()) {
            return engine.train(stop);
        }
    }

    /** Prepares everything up to the first step. Nothing is written before {@link RunEngine#train}. */
    public RunEngine open() {
        RunPlan plan = resume ? resumed() : fresh();
        Backend backend = Backends.open(options.own().get(BACKEND), options.own().get(THREADS));
        try {
            plan.checkMemory(backend);
            return new RunEngine(plan, backend, backend::close, DataSource.open(plan.data(), progress), true)
                    .listener(listener);
        } catch (RuntimeException e) {
            backend.close();
            throw e;
        }
    }

    private RunPlan fresh() {
        OptionValues own = options.own();
        String data = own.get(DATA);
        MethodSpec spec = MethodSpec.parse(own.get(METHOD), methodOptions);
        RunPlan plan = new RunPlan(own.find(OUT_DIR).orElseGet(() -> RunFolder.unused(data, spec)), data, spec,
                from == null ? options.newModel() : existing(ModelFolder.check(from)), options.trainOptions(),
                own.get(SAMPLE_PROMPT), Optional.ofNullable(from), Optional.empty(), Optional.empty(), arguments,
                Map.of());
        plan.check();
        RunFolder.checkNew(plan.folder());
        return plan;
    }

    /** The shape of the model in {@link #from}, with another dropout or a shorter context. */
    private Gpt2Config existing(Gpt2Config given) {
        OptionValues asked = options.model();
        Gpt2Config config = given;
        if (asked.isSet(Gpt2Config.BLOCK_SIZE) && asked.get(Gpt2Config.BLOCK_SIZE) < given.blockSize()) {
            config = config.with(Gpt2Config.BLOCK_SIZE, asked.get(Gpt2Config.BLOCK_SIZE));
        }
        checkShape(config, from);
        return asked.isSet(Gpt2Config.DROPOUT) ? config.with(Gpt2Config.DROPOUT, asked.get(Gpt2Config.DROPOUT))
                : config;
    }

    private RunPlan resumed() {
        OptionValues own = options.own();
        Path folder = own.get(OUT_DIR);
        RunFolder.checkExisting(folder);
        Json config = Json.read(folder.resolve(RunLog.CONFIG));
        Path checkpoint = new Checkpoints(folder).newest().orElseThrow(() -> new OptionError(OUT_DIR, folder,
                "has no complete checkpoint to resume from. Start a new run in another folder"));
        String data = config.required("data", String.class);
        checkKept(DATA, own, data);
        Gpt2Config model = ModelFolder.config(checkpoint);
        checkKept(Gpt2Config.DROPOUT, options.model(), model.dropout());
        checkShape(model, checkpoint);
        RunPlan plan =
                new RunPlan(folder, data, resumed(MethodSpec.parse(config.required("method", String.class))), model,
                        new TrainOptions(OptionValues.fromJson(TrainOptions.GROUP, config.child("options")))
                                .resumedWith(options.training()),
                        own.get(SAMPLE_PROMPT),
                        Optional.empty(),
                        Optional.of(checkpoint), Optional.of(config), arguments, Map.of());
        plan.check();
        return plan;
    }

    private static <T> void checkKept(Option<T> option, OptionValues given, T saved) {
        if (given.isSet(option) && !given.get(option).equals(saved)) {
            throw OptionError.changed(option, given.get(option), saved);
        }
    }

    /** The method of the run to resume, if no other one was given. */
    private MethodSpec resumed(MethodSpec saved) {
        String asked = options.own().isSet(METHOD) ? options.own().get(METHOD) : saved.name();
        MethodSpec now = MethodSpec.parse(asked.equals(saved.name()) ? saved.toString() : asked, methodOptions);
        if (!now.name().equals(saved.name())) {
            throw OptionError.changed(METHOD, now.name(), saved.name());
        }
        now.values().firstDifference(saved.values()).ifPresent(option -> {
            throw OptionError.changed(option, text(now, option), text(saved, option));
        });
        return saved;
    }

    private static String text(MethodSpec spec, Option<?> option) {
        return spec.values().find(option).map(Object::toString).orElse("no value");
    }

    private void checkShape(Gpt2Config config, Path where) {
        if (options.own().isSet(PRESET)) {
            throw new OptionError(PRESET, options.own().get(PRESET),
                    "the model comes from " + where + ". Omit the option");
        }
        OptionValues asked = options.model();
        for (Option<?> option : Gpt2Config.GROUP.options()) {
            if (option != Gpt2Config.DROPOUT && asked.isSet(option)
                    && !asked.get(option).equals(config.values().get(option))) {
                throw new OptionError(option, asked.get(option), "the model in " + where + " has "
                        + config.values().get(option) + ", and a model that exists keeps its shape. Omit the option");
            }
        }
    }
}
