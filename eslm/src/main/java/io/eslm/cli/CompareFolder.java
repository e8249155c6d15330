// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import io.eslm.report.Comparison;
import io.eslm.report.Disk;
import io.eslm.report.Json;
import io.eslm.tensor.UserError;
import io.eslm.tensor.io.AtomicFiles;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.stream.Stream;

/** The folder of a comparison: all its runs are alike but for method and seed. */
final class CompareFolder {
    private static final List<String> COMMON = List.of("data", "split", "model", "options", "tokens");
    /** Of the machine: without these neither bits nor seconds could be compared. */
    private static final List<String> OF_MACHINE = List.of("backend", "device", "cores", "java");

    private CompareFolder() {
    }

    /**
     * Makes the folder, or goes on with the one that is there; the methods and seeds that it has stay among those of the report.
     *
     * @throws UserError if it was made with other settings than methods and seeds
     */
    static void open(Path dir, JsonObject settings) {
        Path file = dir.resolve(Comparison.SETTINGS);
        if (Files.exists(file)) {
            JsonObject saved = Json.read(file);
            for (String name : COMMON) {
                same(dir, name, saved.get(name), settings.get(name));
            }
            for (String name : OF_MACHINE) {
                same(dir, name, saved.getAsJsonObject("machine").get(name),
                        settings.getAsJsonObject("machine").get(name));
            }
            settings.add("methods",
                    methods(dir, saved.getAsJsonObject("methods"), settings.getAsJsonObject("methods")));
            settings.add("seeds", seeds(saved.getAsJsonArray("seeds"), settings.getAsJsonArray("seeds")));
        }
        Disk.folder(dir);
        AtomicFiles.writeString(file, Json.pretty(settings));
    }

    private static JsonObject methods(Path dir, JsonObject saved, JsonObject asked) {
        JsonObject all = saved.deepCopy();
        for (String method : asked.keySet()) {
            JsonElement folder = asked.get(method);
            if (!all.has(method) && all.asMap().containsValue(folder)) {
                throw new UserError(
                        "--methods: " + method + " and another method of " + dir + " would both go to a folder "
                                + folder.getAsString() + "; choose another --out-dir");
            }
            all.add(method, folder);
        }
        return all;
    }

    private static JsonArray seeds(JsonArray saved, JsonArray asked) {
        SortedSet<Long> all = new TreeSet<>();
        Stream.of(saved, asked).forEach(seeds -> seeds.forEach(seed -> all.add(seed.getAsLong())));
        JsonArray sorted = new JsonArray();
        all.forEach(sorted::add);
        return sorted;
    }

    private static void same(Path dir, String name, JsonElement saved, JsonElement now) {
        if (saved instanceof JsonObject before && now instanceof JsonObject after) {
            Set<String> names = new LinkedHashSet<>(after.keySet());
            names.addAll(before.keySet());
            names.forEach(n -> same(dir, n, before.get(n), after.get(n)));
        } else if (!Objects.equals(text(saved), text(now))) {
            throw new UserError("--out-dir " + dir + ": holds a comparison with " + name + " " + text(saved)
                    + ", but now it is " + text(now)
                    + "; its runs could not be compared. Give the same options, or choose another folder");
        }
    }

    private static String text(JsonElement value) {
        return value == null || value instanceof JsonNull ? "unset" : value.getAsString();
    }
}
