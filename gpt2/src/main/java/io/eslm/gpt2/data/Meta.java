// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import io.eslm.tensor.UserError;
import io.eslm.tensor.io.AtomicFiles;
import io.eslm.tensor.io.Json;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * {@code meta.json} of a prepared folder. Counts are in tokens; ranges are positions in {@code train.bin} and
 * {@code val.bin}.
 *
 * @param files numbers of tokens in the token files, in their order; empty if an earlier version wrote it
 * @param hashes of the token files, by their names: {@link ContentHash}
 */
public record Meta(String source, String tokenizer, int vocabSize, long documents, long trainTokens, long valTokens,
        Map<String, Long> files, Map<String, String> hashes, List<Split> domains) {
    public static final String FILE = "meta.json";
    static final String GPT2 = "gpt2";
    /** The tokenizer of ids whose text is not known. */
    static final String UNKNOWN = "unknown";
    static final int FORMAT_VERSION = 1;

    /** One domain; a part in which it has no token has no range, and without a weight it has 0. */
    public record Split(String name, List<Range> train, List<Range> val, double weight) {
    }

    /** @throws UserError if the file cannot be written */
    public void write(Path file) {
        var json = new JsonObject();
        json.addProperty("format_version", FORMAT_VERSION);
        json.addProperty("vocab_size", vocabSize);
        json.addProperty("tokenizer", tokenizer);
        json.addProperty("source", source);
        json.addProperty("documents", documents);
        json.addProperty("train_tokens", trainTokens);
        json.addProperty("val_tokens", valTokens);
        var counts = new JsonObject();
        files.forEach(counts::addProperty);
        json.add("files", counts);
        var sums = new JsonObject();
        hashes.forEach(sums::addProperty);
        json.add("sha256", sums);
        var byName = new JsonObject();
        for (Split split : domains) {
            var ranges = new JsonObject();
            ranges.add("train", toJson(split.train()));
            ranges.add("val", toJson(split.val()));
            if (split.weight() > 0) {
                ranges.addProperty("weight", split.weight());
            }
            byName.add(split.name(), ranges);
        }
        json.add("domains", byName);
        AtomicFiles.writeString(file, Json.pretty(json));
    }

    /** @throws UserError if the file cannot be read or is not valid */
    static Meta read(Path file) {
        try {
            return of(Json.read(file));
        } catch (UserError e) {
            throw new UserError(e.getMessage() + ". Prepare the folder again, or delete this file to use the folder as "
                    + "one domain.", e);
        }
    }

    static Meta of(Json json) {
        int version = json.required("format_version", Integer.class);
        if (version != FORMAT_VERSION) {
            throw new UserError(json.file() + " has format version " + version + "; this program reads version "
                    + FORMAT_VERSION);
        }
        long trainTokens = json.count("train_tokens");
        long valTokens = json.count("val_tokens");
        var domains = new ArrayList<Split>();
        Json byName = json.child("domains");
        for (String name : byName.object().keySet()) {
            Json split = byName.child(name);
            domains.add(new Split(name, ranges(split, "train", trainTokens), ranges(split, "val", valTokens),
                    weight(split)));
        }
        return new Meta(json.required("source", String.class), json.required("tokenizer", String.class),
                json.required("vocab_size", Integer.class), json.count("documents"), trainTokens, valTokens,
                counts(json),
                json.has("sha256") ? json.map("sha256", String.class) : Map.of(), List.copyOf(domains));
    }

    private static Map<String, Long> counts(Json json) {
        Map<String, Long> counts = new LinkedHashMap<>();
        if (json.has("files")) {
            Json files = json.child("files");
            files.object().keySet().forEach(name -> counts.put(name, files.count(name)));
        }
        return counts;
    }

    /**
     * Compares a hash with the one that the folder of a file has for it.
     *
     * @throws UserError if they differ, so that the file is damaged
     */
    static void checkHash(TokenFile file, String hash) {
        Path beside = file.path().toAbsolutePath().resolveSibling(FILE);
        String name = file.path().getFileName().toString();
        if (!Files.exists(beside)) {
            return;
        }
        Meta meta = read(beside);
        long whole = name.equals(TokenData.TRAIN) ? meta.trainTokens : meta.valTokens;
        String expected = meta.hashes.get(name);
        if (expected != null && file.size() == whole && !expected.equals(hash)) {
            Path damaged = file.files().stream()
                    .filter(shard -> !shard.hash().equals(meta.hashes.get(shard.path().getFileName().toString())))
                    .findFirst().orElse(file).path();
            throw new UserError(damaged + " is damaged: it is not what " + FILE
                    + " beside it has a checksum of. Prepare the folder again, or copy it again.");
        }
    }

    private static double weight(Json split) {
        double weight = split.has("weight") ? split.number("weight") : 0;
        if (!(weight >= 0 && weight < Double.POSITIVE_INFINITY)) {
            throw split.wrong("weight", "a number above 0");
        }
        return weight;
    }

    private static JsonArray toJson(List<Range> ranges) {
        var array = new JsonArray();
        for (Range range : ranges) {
            var pair = new JsonArray();
            pair.add(range.begin());
            pair.add(range.end());
            array.add(pair);
        }
        return array;
    }

    private static List<Range> ranges(Json split, String part, long tokens) {
        if (!(split.object().get(part) instanceof JsonArray pairs)) {
            throw new UserError(split.file() + ": has no list " + split.name(part));
        }
        var ranges = new ArrayList<Range>();
        long last = 0;
        for (JsonElement e : pairs) {
            long begin = e instanceof JsonArray pair && pair.size() == 2 ? whole(pair.get(0)) : -1;
            long end = e instanceof JsonArray pair && pair.size() == 2 ? whole(pair.get(1)) : -1;
            if (begin < last || end <= begin || end > tokens) {
                throw new UserError(split.file() + ": " + split.name(part) + " has the range " + e
                        + ", expected [begin, end] in ascending order within " + tokens + " tokens");
            }
            last = end;
            ranges.add(new Range(begin, end));
        }
        return List.copyOf(ranges);
    }

    private static long whole(JsonElement e) {
        return e instanceof JsonPrimitive p && p.isNumber() && p.getAsNumber() instanceof Long n ? n : -1;
    }
}
