// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.checkpoint;

import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.train.TrainerState;
import io.eslm.tensor.UserError;
import io.eslm.tensor.io.AtomicFiles;
import io.eslm.tensor.io.FileErrors;
import io.eslm.tensor.io.FileSum;
import io.eslm.tensor.io.Json;
import io.eslm.tensor.io.SealedJson;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * {@code manifest.json} of a checkpoint, written last: size and checksum of each file, and the step, method, model and options they
 * belong to. It is itself a {@link SealedJson}.
 *
 * @param step steps done
 * @param validationLoss at that step; empty if there was no evaluation
 * @param files sizes and checksums, by name
 */
record Manifest(long step, OptionalDouble validationLoss, Map<String, FileSum> files) {
    static final String FILE = "manifest.json";
    private static final int FORMAT = 1;
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_-][A-Za-z0-9._-]{0,254}");

    /**
     * Writes the manifest of all files in {@code dir}.
     *
     * @param known checksums of files that need not be read again
     */
    static void write(Path dir, TrainerState state, Gpt2Config model, OptionalDouble validationLoss,
            Map<String, FileSum> known) throws IOException {
        JsonObject o = new JsonObject();
        o.addProperty("format", FORMAT);
        o.addProperty("step", state.step());
        o.add("validation_loss",
                validationLoss.isPresent() ? Json.number(validationLoss.getAsDouble()) : JsonNull.INSTANCE);
        o.addProperty("method", state.method());
        o.add("model", model.values().toJson());
        o.add("options", state.options().values().toJson());
        JsonObject files = new JsonObject();
        for (String name : names(dir)) {
            FileSum sum = known.containsKey(name) ? known.get(name) : FileSum.of(dir.resolve(name));
            JsonObject file = new JsonObject();
            file.addProperty("bytes", sum.bytes());
            file.addProperty("crc32", sum.hex());
            files.add(name, file);
        }
        o.add("files", files);
        AtomicFiles.writeString(dir.resolve(FILE), SealedJson.text(o));
    }

    private static List<String> names(Path dir) throws IOException {
        try (Stream<Path> files = Files.list(dir)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    /** @throws UserError if it cannot be read or has been changed */
    static Manifest read(Path dir) {
        Path file = dir.resolve(FILE);
        SealedJson.fault(file).ifPresent(fault -> {
            throw new UserError(file + ": " + fault);
        });
        Json json = Json.read(file);
        json.required(SealedJson.FIELD, String.class);
        if (json.required("format", Integer.class) != FORMAT) {
            throw new UserError(file + ": \"format\" is " + json.required("format", Integer.class) + ", and only "
                    + FORMAT + " is known; a newer version wrote it");
        }
        Map<String, FileSum> files = new LinkedHashMap<>();
        Json entries = json.child("files");
        for (String name : entries.object().keySet()) {
            if (!NAME.matcher(name).matches()) {
                throw new UserError(file + ": \"files\" lists " + Json.shown('"' + name + '"')
                        + ", which names no file in this folder");
            }
            Json entry = entries.child(name);
            files.put(name, new FileSum(entry.required("bytes", Long.class), crc(entry)));
        }
        return new Manifest(json.required("step", Long.class), json.has("validation_loss")
                ? OptionalDouble.of(json.required("validation_loss", Double.class)) : OptionalDouble.empty(), files);
    }

    private static long crc(Json entry) {
        String text = entry.required("crc32", String.class);
        if (!text.matches("[0-9a-f]{8}")) {
            throw new UserError(entry.file() + ": \"crc32\" is " + Json.shown('"' + text + '"')
                    + ", expected eight hexadecimal digits");
        }
        return Long.parseLong(text, 16);
    }

    /**
     * The first file that is not as it was written, and how it differs; empty if all are whole.
     *
     * @param required files that must be among them
     * @param checksums of which files to compute; sizes are compared of all
     */
    Optional<String> fault(Path dir, List<String> required, Predicate<String> checksums) {
        for (String name : required) {
            if (!files.containsKey(name)) {
                return Optional.of(FILE + " does not list " + name);
            }
        }
        Stream<Optional<String>> sizes = files.keySet().stream().map(name -> sizeFault(dir, name));
        Stream<Optional<String>> sums = files.keySet().stream().filter(checksums).map(name -> sumFault(dir, name));
        return Stream.concat(sizes, sums).flatMap(Optional::stream).findFirst();
    }

    private Optional<String> sizeFault(Path dir, String name) {
        Path file = dir.resolve(name);
        if (!Files.exists(file)) {
            return Optional.of(name + " is missing");
        }
        try {
            long size = Files.size(file);
            long written = files.get(name).bytes();
            return size == written ? Optional.empty()
                    : Optional.of(name + " has " + size + " bytes, but " + written + " were written");
        } catch (IOException e) {
            return Optional.of(name + " cannot be read: " + FileErrors.reason(e));
        }
    }

    private Optional<String> sumFault(Path dir, String name) {
        try {
            String now = FileSum.of(dir.resolve(name)).hex();
            String written = files.get(name).hex();
            return now.equals(written) ? Optional.empty()
                    : Optional.of(name + " has been changed: its checksum is " + now + ", but " + written
                            + " was written");
        } catch (IOException e) {
            return Optional.of(name + " cannot be read: " + FileErrors.reason(e));
        }
    }
}
