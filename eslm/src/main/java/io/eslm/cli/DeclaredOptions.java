// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.data.DataSource;
import io.eslm.gpt2.data.DataSpec;
import io.eslm.gpt2.data.Progress;
import io.eslm.gpt2.option.Option;
import io.eslm.gpt2.option.OptionError;
import io.eslm.gpt2.option.OptionGroup;
import io.eslm.gpt2.option.OptionValues;
import io.eslm.gpt2.train.TrainOptions;
import io.eslm.run.Run;
import io.eslm.run.RunOptions;
import io.eslm.run.TaskPlan;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.IGetter;
import picocli.CommandLine.Model.ISetter;
import picocli.CommandLine.Model.OptionSpec;

/**
 * Makes command line options of options that the library declares, and keeps the values that are given. Each gets the flags
 * {@code --max-iters} and {@code --max_iters}, and a help text with its default.
 */
public final class DeclaredOptions {
    /** The model of a command that does not train. */
    public static final Option<Path> MODEL =
            Option.path("model", "DIR",
                    "a model folder, a run (its newest checkpoint), or a model's file (.pt, .bin, .gguf)");
    /** Where to compute. */
    public static final List<Option<?>> BACKEND = List.of(Run.BACKEND, Run.THREADS);

    /** Options that name data, of which several sources may be given, one after the other. */
    static final Set<String> SOURCES = Set.of("data", "in");

    private final Map<String, Option<?>> declared = new LinkedHashMap<>();
    private final Map<String, String> given = new LinkedHashMap<>();

    /** Adds options that the user must give. */
    public DeclaredOptions require(CommandSpec command, Option<?>... options) {
        return add(command, "", List.of(options), true);
    }

    /** Adds options, in the help under {@code heading}; "" for the first list. */
    public DeclaredOptions add(CommandSpec command, String heading, List<Option<?>> options) {
        return add(command, heading, options, false);
    }

    /** Adds an option whose value may be left out: then it is {@code fallback}. */
    DeclaredOptions addOptional(CommandSpec command, Option<?> option, String fallback) {
        return add(command, option, builder -> builder.arity("0..1").fallbackValue(fallback)
                .paramLabel("[" + option.label() + "]").userObject(new Heading("")));
    }

    private DeclaredOptions add(CommandSpec command, String heading, List<Option<?>> options, boolean required) {
        options.forEach(option -> add(command, option,
                builder -> builder.arity(option.type() == Boolean.class ? "0..1" : "1").fallbackValue("true")
                        .paramLabel(option.label()).required(required).userObject(new Heading(heading))));
        return this;
    }

    private DeclaredOptions add(CommandSpec command, Option<?> option, UnaryOperator<OptionSpec.Builder> more) {
        String[] names = Stream.of(flag(option), "--" + option.jsonName()).distinct().toArray(String[]::new);
        if (command.findOption(flag(option)) != null) {
            throw new UserError("a method declares the option \"" + option + "\", but " + command.name()
                    + " has an option of that name already; the method must call it otherwise");
        }
        declared.put(option.key(), option);
        Value value = new Value(option.key());
        command.addOption(more.apply(OptionSpec.builder(names).type(String.class).description(help(option)))
                .getter(value).setter(value).build());
        return this;
    }

    /** Whether the option may be given several times; its value then has several lines. */
    static boolean takesSeveral(String key) {
        return SOURCES.contains(key) || key.equals(TaskPlan.TASKS.key());
    }

    /** {@code --max-iters}. */
    public static String flag(Option<?> option) {
        return "--" + option.key();
    }

    /** The message of an error as this command's user knows the option: by its flag, if the command has it. */
    static String message(OptionError error, CommandSpec command) {
        String flag = flag(error.option());
        return command.findOption(flag) == null ? error.getMessage() : error.messageFor(flag);
    }

    private static String help(Option<?> option) {
        String words = option.defaultWords();
        return (option.help() + (words == null ? "" : " (default: " + words + ")")).replace("%", "%%");
    }

    /** The heading of an option's list. */
    record Heading(String text) {
    }

    /** Stores the text of an option. */
    private final class Value implements IGetter, ISetter {
        private final String key;

        Value(String key) {
            this.key = key;
        }

        @Override
        @SuppressWarnings("unchecked") // picocli's signature; the type of the option is String
        public <T> T get() {
            return (T) given.get(key);
        }

        @Override
        @SuppressWarnings("unchecked")
        public <T> T set(T value) {
            if (value == null) {
                return (T) given.remove(key);
            }
            String now = (String) value;
            return (T) given.put(key, SOURCES.contains(key) ? DataSpec.joined(given.get(key), now)
                    : key.equals(TaskPlan.TASKS.key()) && given.containsKey(key) ? given.get(key) + "\n" + now : now);
        }
    }

    /** True if the user gave {@code option}. */
    public boolean has(Option<?> option) {
        return given.containsKey(option.key());
    }

    /** What was given, but for {@code without}, as words for the same command in a process that works in another folder. */
    public List<String> words(List<Option<?>> without) {
        List<String> words = new ArrayList<>();
        given.forEach((key, text) -> {
            Option<?> option = declared.get(key);
            if (!without.contains(option)) {
                String value = RootedValues.of(option, text);
                (takesSeveral(key) ? value.lines() : Stream.of(value))
                        .forEach(one -> words.add(flag(option) + "=" + one));
            }
        });
        return words;
    }

    /** The values that were given for options of {@code group}, of the training, and of the model. */
    public RunOptions runOptions(OptionGroup group) {
        return new RunOptions(group, values(group), values(TrainOptions.GROUP), values(Gpt2Config.GROUP));
    }

    /** The values that were given for options of {@code group}. */
    public OptionValues values(OptionGroup group) {
        OptionValues values = OptionValues.defaults(group);
        for (Map.Entry<Option<?>, String> e : texts(group.options()).entrySet()) {
            values = values.withText(e.getKey(), e.getValue());
        }
        return values;
    }

    /** Opens the backend that {@link #BACKEND} names. */
    Backend openBackend() {
        return Backends.open(get(Run.BACKEND), get(Run.THREADS));
    }

    /** Reads data that was given as a pipe, and puts its copy in its place, so that the run can open it again. */
    void keepData(Option<String> data, Progress progress) {
        given.computeIfPresent(data.key(), (_, name) -> DataSource.lasting(name, progress));
    }

    /** Writes the settings that were given for data into its name, so that a run has all of it in one place. */
    public void foldSettings(Option<String> data, List<Option<?>> settings) {
        Map<Option<?>, String> texts = texts(settings);
        if (!texts.isEmpty()) {
            given.put(data.key(), DataSpec.with(get(data), texts));
        }
    }

    /** The value of {@code option}, or its default. */
    public <T> T get(Option<T> option) {
        return find(option).orElseThrow();
    }

    /** The value of {@code option}, or its default, or empty if there is neither. */
    public <T> Optional<T> find(Option<T> option) {
        return values(new OptionGroup(option.name(), List.of(option))).find(option);
    }

    /** The texts that were given for {@code options}. */
    public Map<Option<?>, String> texts(List<Option<?>> options) {
        Map<Option<?>, String> texts = new LinkedHashMap<>();
        options.stream().filter(this::has).forEach(option -> texts.put(option, given.get(option.key())));
        return texts;
    }
}
