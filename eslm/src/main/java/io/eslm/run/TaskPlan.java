// SPDX-License-Identifier: Apache-2.0
package io.eslm.run;

import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.option.Option;
import io.eslm.gpt2.option.OptionError;
import io.eslm.gpt2.option.OptionValues;
import io.eslm.gpt2.tokenizer.Tokenizer;
import io.eslm.task.EncodedTask;
import io.eslm.task.Task;
import io.eslm.tensor.UserError;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Tasks to evaluate a model on while it trains, and their files.
 *
 * @param files of each task; together they are its data
 * @param limit examples of each task, at most
 */
public record TaskPlan(Map<Task, List<Path>> files, int limit) {
    /** A line for each file. */
    public static final Option<String> TASKS = Option.text("eval task", "TASK=FILE",
            "evaluate on a task, too, zero-shot, after the last step and at the interval; may be given several times, also for the "
                    + "parts of one task (docs/tasks.md)")
            .defaultsTo("none", _ -> null);
    public static final Option<Integer> INTERVAL =
            Option.count("eval task interval", "steps between evaluations on tasks; 0: only after the last step")
                    .must("be at least 0", n -> n >= 0).defaultsTo("the eval interval", _ -> null);
    public static final Option<Integer> LIMIT =
            Option.count("eval task limit", "evaluate only on the first N examples of each task")
                    .must("be at least 1", n -> n >= 1).defaultsTo("all", _ -> null);
    /** All of these. */
    public static final List<Option<?>> OPTIONS = List.of(TASKS, INTERVAL, LIMIT);

    /**
     * What {@link #TASKS} and {@link #LIMIT} ask for.
     *
     * @throws OptionError if a task or a file is not there
     */
    public static TaskPlan of(OptionValues values) {
        Map<Task, List<Path>> files = new EnumMap<>(Task.class);
        values.find(TASKS).stream().flatMap(String::lines).forEach(text -> {
            int equals = text.indexOf('=');
            Task task = Arrays.stream(Task.values())
                    .filter(t -> equals >= 0 && t.toString().equals(text.substring(0, equals))).findFirst()
                    .orElseThrow(() -> new OptionError(TASKS, text,
                            "must be TASK=FILE, and TASK one of " + Arrays.toString(Task.values())));
            files.computeIfAbsent(task, _ -> new ArrayList<>()).add(file(text, text.substring(equals + 1)));
        });
        for (Option<?> option : List.of(INTERVAL, LIMIT)) {
            if (files.isEmpty() && values.isSet(option)) {
                throw new OptionError(option, values.get(option), "is about tasks; name one (" + TASKS + ")");
            }
        }
        return new TaskPlan(files, values.find(LIMIT).orElse(Integer.MAX_VALUE));
    }

    private static Path file(String text, String name) {
        try {
            Path file = Path.of(name);
            if (Files.isReadable(file) && !Files.isDirectory(file)) {
                return file;
            }
        } catch (InvalidPathException _) {
            // said below
        }
        throw new OptionError(TASKS, text, "there is no file '" + name + "' that can be read");
    }

    /**
     * Reads the files.
     *
     * @param tokenizer of the model
     * @throws UserError if a file is not of its task, or the tokenizer cannot write its texts
     */
    public List<EncodedTask> read(Optional<Tokenizer> tokenizer, Gpt2Config model) {
        List<EncodedTask> all = new ArrayList<>();
        files.forEach((task, paths) -> all.add(EncodedTask.read(task, paths, limit,
                tokenizer.orElseThrow(() -> new OptionError(TASKS, task,
                        "the tokenizer of the data is not known, so no text can be written in its tokens. Put the tokenizer "
                                + "beside the data, or omit the option")),
                model)));
        return all;
    }
}
