// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import com.google.gson.JsonObject;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.WeightFormat;
import io.eslm.gpt2.checkpoint.ModelFolder;
import io.eslm.gpt2.option.Option;
import io.eslm.gpt2.option.OptionError;
import io.eslm.gpt2.tokenizer.Tokenizer;
import io.eslm.task.EncodedTask;
import io.eslm.task.Task;
import io.eslm.task.TaskEvaluation;
import io.eslm.task.TaskResult;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.io.AtomicFiles;
import io.eslm.tensor.io.Json;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/** {@code eval --task}: one {@link TaskEvaluation}. */
final class TaskEval {
    static final Option<Task> TASK = Option.choice("task", "TASK", "a task instead of data, zero-shot", Task.values());
    static final Option<Path> DATA =
            Option.path("task data", "FILE", "the task's examples as Parquet or JSON lines; nothing is downloaded");
    static final Option<Integer> LIMIT = Option.count("limit", "evaluate only the first N examples of a task")
            .must("be at least 1", n -> n >= 1).defaultsTo("all", null);
    static final Option<Path> OUT =
            Option.path("out", "FILE", "for a task: also write one JSON line for each example to FILE");
    static final List<Option<?>> OPTIONS = List.of(TASK, DATA, LIMIT, OUT);

    private TaskEval() {
    }

    static void run(DeclaredOptions options, int batchSize, boolean json, Terminal screen) {
        Task task = options.get(TASK);
        Path file = options.find(DATA).orElseThrow(() -> new OptionError(DATA, null,
                "name the file of " + task + "'s examples (" + task.source() + " of the Hugging Face hub)"));
        Path folder = options.get(DeclaredOptions.MODEL);
        Tokenizer tokenizer = ModelFolder.tokenizer(folder).orElseThrow(() -> new UserError(folder
                + ": has no tokenizer, so a task's texts cannot be split into its tokens. Put its tokenizer.json there"));
        try (Backend backend = options.openBackend()) {
            Gpt2 model = ModelFolder.load(folder, backend, options.get(WeightFormat.OPTION));
            EncodedTask encoded = EncodedTask.read(task, List.of(file), options.find(LIMIT).orElse(Integer.MAX_VALUE),
                    tokenizer, model.config());
            TaskResult result = new TaskEvaluation(model, batchSize).run(encoded, screen.progress());
            screen.endBar();
            options.find(OUT).ifPresent(out -> write(result, out));
            if (json) {
                screen.result(result.json(folder.toString()));
            } else {
                table(result, screen);
            }
        }
    }

    private static void write(TaskResult result, Path out) {
        AtomicFiles.write(out, stream -> {
            for (int i = 0; i < result.examples().size(); i++) {
                JsonObject line = result.examples().get(i).json(i);
                stream.write((Json.line(line) + '\n').getBytes(StandardCharsets.UTF_8));
            }
        });
    }

    private static void table(TaskResult result, Terminal screen) {
        screen.result(
                String.format(Locale.ROOT, "%s, %,d examples", result.task().task(), result.examples().size()));
        result.metrics().forEach((name, value) -> {
            if (!name.endsWith(TaskResult.ERROR)) {
                Double error = result.metrics().get(name + TaskResult.ERROR);
                screen.result(String.format(Locale.ROOT, "%-16s %10.4f", name, value)
                        + (error == null ? "" : String.format(Locale.ROOT, "  \u00b1 %.4f", error)));
            }
        });
        result.task().files()
                .forEach(file -> screen.result("SHA-256 of " + file.path() + ": " + file.sha256()));
    }
}
