// SPDX-License-Identifier: Apache-2.0
package io.eslm.compare;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import io.eslm.gpt2.option.OptionError;
import io.eslm.gpt2.option.OptionValues;
import io.eslm.gpt2.train.TrainOptions;
import io.eslm.run.DataIdentity;
import io.eslm.task.TaskFigures;
import io.eslm.tensor.io.AtomicFiles;
import io.eslm.tensor.io.FileTrees;
import io.eslm.tensor.io.Json;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;

/** Opens the folder of a comparison, whose runs differ only in method and seed. */
final class CompareFolder {
    private static final List<String> COMMON = List.of("split", Comparison.FINAL_EVAL_ITERS, "model");
    /** Fields of the machine that must agree, or neither bits nor seconds can be compared. */
    private static final List<String> OF_MACHINE = List.of("backend", "device", "cores", "java");

    private CompareFolder() {
    }

    /**
     * Makes the folder, or adds methods and seeds to a comparison that is there.
     *
     * @throws OptionError if that comparison differs in anything else
     */
    static void open(Path dir, JsonObject settings) {
        Path file = dir.resolve(Comparison.SETTINGS);
        if (Files.exists(file)) {
            Json saved = Json.read(file);
            for (String name : COMMON) {
                same(dir, name, saved.object().get(name), settings.get(name));
            }
            same(dir, "options", complete(saved), settings.get("options"));
            sameData(dir, saved, settings);
            for (String name : OF_MACHINE) {
                same(dir, name, saved.child("machine").object().get(name),
                        settings.getAsJsonObject("machine").get(name));
            }
            if (saved.optional(Comparison.MIXED, Boolean.class, false)) {
                settings.addProperty(Comparison.MIXED, true);
            }
            settings.add(TaskFigures.FIELD, tasks(dir, saved, settings.getAsJsonObject(TaskFigures.FIELD)));
            settings.add("methods", methods(dir, saved, settings.getAsJsonObject("methods")));
            settings.addProperty(Comparison.COMMIT, commits(saved.optional(Comparison.COMMIT, String.class, "unknown"),
                    settings.get(Comparison.COMMIT).getAsString()));
            settings.add("seeds", seeds(saved.list("seeds", Long.class), settings.getAsJsonArray("seeds")));
        }
        FileTrees.make(dir);
        AtomicFiles.writeString(file, Json.pretty(settings));
    }

    /** All commits that took part. */
    private static String commits(String before, String now) {
        return List.of(before.split(", ")).contains(now) ? before : before + ", " + now;
    }

    /** Options that did not exist when the comparison began have their defaults. */
    private static JsonObject complete(Json saved) {
        JsonObject all = OptionValues.fromJson(TrainOptions.GROUP, saved.child("options")).toJson();
        all.remove("seed");
        return all;
    }

    /** Known by its content, wherever it lies; by its name and size in a comparison of the first version. */
    private static void sameData(Path dir, Json saved, JsonObject now) {
        JsonObject before = saved.child("tokens").object();
        JsonObject after = now.getAsJsonObject("tokens");
        if (DataIdentity.isKnown(before)) {
            same(dir, "data", DataIdentity.of(before), DataIdentity.of(after));
        } else {
            same(dir, "data", saved.object().get("data"), now.get("data"));
            before.keySet().forEach(name -> same(dir, name, before.get(name), after.get(name)));
        }
    }

    /** Tasks of a comparison can be added, and keep their examples, wherever the files lie. */
    private static JsonObject tasks(Path dir, Json saved, JsonObject asked) {
        JsonObject all = new JsonObject();
        if (saved.has(TaskFigures.FIELD)) {
            Json before = saved.child(TaskFigures.FIELD);
            for (String task : before.object().keySet()) {
                all.add(task, before.child(task).object());
            }
        }
        for (String task : asked.keySet()) {
            JsonObject now = asked.getAsJsonObject(task);
            for (String field : all.has(task) ? List.of("n", "data_sha256") : List.<String>of()) {
                same(dir, task + " " + field, all.getAsJsonObject(task).get(field), now.get(field));
            }
            all.add(task, now);
        }
        return all;
    }

    private static JsonObject methods(Path dir, Json saved, JsonObject asked) {
        JsonObject all = new JsonObject();
        saved.map("methods", String.class).forEach(all::addProperty);
        for (String method : asked.keySet()) {
            JsonElement folder = asked.get(method);
            if (!all.has(method) && all.asMap().containsValue(folder)) {
                throw new OptionError(Comparer.METHODS, null, method + " and another method of " + dir
                        + " would both use folder " + folder.getAsString() + ". Choose another folder");
            }
            all.add(method, folder);
        }
        return all;
    }

    private static JsonArray seeds(List<Long> saved, JsonArray asked) {
        JsonArray all = new JsonArray();
        Stream.concat(saved.stream(), asked.asList().stream().map(JsonElement::getAsLong)).sorted().distinct()
                .forEach(all::add);
        return all;
    }

    private static void same(Path dir, String name, JsonElement saved, JsonElement now) {
        if (saved instanceof JsonObject before && now instanceof JsonObject after) {
            Set<String> names = new LinkedHashSet<>(after.keySet());
            names.addAll(before.keySet());
            names.forEach(n -> same(dir, n, before.get(n), after.get(n)));
        } else if (!Objects.equals(text(saved), text(now))) {
            throw new OptionError(Comparer.OUT_DIR, dir, "holds a comparison with " + name + " " + text(saved)
                    + ", but now it is " + text(now)
                    + ", so the runs cannot be compared. Give the same options, or choose another folder");
        }
    }

    private static String text(JsonElement value) {
        return value == null || value instanceof JsonNull ? "unset"
                : value.isJsonPrimitive() ? value.getAsString() : value.toString();
    }
}
