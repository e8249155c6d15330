// SPDX-License-Identifier: Apache-2.0
package io.eslm.task;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.data.source.Records;
import io.eslm.gpt2.tokenizer.Tokenizer;
import io.eslm.tensor.UserError;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/** The examples of a task in the tokens of a model: read once, and scored as often as wanted. */
public final class EncodedTask {
    private final Task task;
    private final List<DataFile> files;
    private final List<Example> examples;
    /** For each example, for each answer: what is scored. */
    private final List<List<List<Sequence>>> sequences;

    /**
     * A file of examples.
     *
     * @param sha256 in hex
     */
    public record DataFile(Path path, String sha256) {
    }

    private EncodedTask(Task task, List<DataFile> files, List<Example> examples,
            List<List<List<Sequence>>> sequences) {
        this.task = task;
        this.files = files;
        this.examples = examples;
        this.sequences = sequences;
    }

    /**
     * Reads the first {@code limit} examples of {@code files}, which together are a task's data.
     *
     * @throws UserError naming the row that is no example of the task, or that cannot be written in the model's tokens
     */
    public static EncodedTask read(Task task, List<Path> files, long limit, Tokenizer tokenizer, Gpt2Config model) {
        Encoder encoder = new Encoder(tokenizer, model);
        List<DataFile> read = new ArrayList<>();
        List<Example> examples = new ArrayList<>();
        for (Path file : files) {
            if (examples.size() < limit) {
                examples.addAll(task.read(file, limit - examples.size()));
                read.add(new DataFile(file, Records.sha256(file)));
            }
        }
        return new EncodedTask(task, List.copyOf(read), List.copyOf(examples),
                examples.stream().map(e -> e.sequences(encoder)).toList());
    }

    /** The task. */
    public Task task() {
        return task;
    }

    /** Where the examples are from. */
    public List<DataFile> files() {
        return files;
    }

    /** How many examples it has. */
    public int size() {
        return examples.size();
    }

    List<Example> examples() {
        return examples;
    }

    List<List<List<Sequence>>> sequences() {
        return sequences;
    }

    /** Adds the files to {@code o}, as texts, or as lists if there are several. */
    public void describe(JsonObject o) {
        describe(o, "data", file -> file.path().toString());
        describe(o, "data_sha256", DataFile::sha256);
    }

    private void describe(JsonObject o, String field, Function<DataFile, String> value) {
        JsonArray all = new JsonArray();
        files.forEach(file -> all.add(value.apply(file)));
        o.add(field, all.size() == 1 ? all.get(0) : all);
    }
}
