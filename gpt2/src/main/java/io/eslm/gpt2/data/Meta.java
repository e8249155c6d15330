// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import io.eslm.tensor.UserError;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * {@code meta.json} of a prepared folder. Counts are in tokens; ranges lie in {@code train.bin} and {@code val.bin}.
 */
record Meta(String source, String tokenizer, int vocabSize, long documents, long trainTokens, long valTokens,
        List<Split> domains) {
    static final String FILE = "meta.json";
    static final String GPT2 = "gpt2";
    static final int FORMAT_VERSION = 1;

    /** One domain; a part in which it has no token has no range. */
    record Split(String name, List<Range> train, List<Range> val) {
    }

    void write(Path file) throws IOException {
        var json = new JsonObject();
        json.addProperty("format_version", FORMAT_VERSION);
        json.addProperty("vocab_size", vocabSize);
        json.addProperty("tokenizer", tokenizer);
        json.addProperty("source", source);
        json.addProperty("documents", documents);
        json.addProperty("train_tokens", trainTokens);
        json.addProperty("val_tokens", valTokens);
        var byName = new JsonObject();
        for (Split split : domains) {
            var ranges = new JsonObject();
            ranges.add("train", toJson(split.train()));
            ranges.add("val", toJson(split.val()));
            byName.add(split.name(), ranges);
        }
        json.add("domains", byName);
        Files.writeString(file,
                new GsonBuilder().setPrettyPrinting().disableHtmlEscaping().create().toJson(json) + "\n");
    }

    static Meta read(Path file) {
        try {
            JsonObject json = JsonParser.parseString(Files.readString(file)).getAsJsonObject();
            int version = field(json, "format_version").getAsInt();
            if (version != FORMAT_VERSION) {
                throw new UserError(file + " has format version " + version + ", this program reads version "
                        + FORMAT_VERSION + ". Prepare the folder again.");
            }
            long trainTokens = field(json, "train_tokens").getAsLong();
            long valTokens = field(json, "val_tokens").getAsLong();
            var domains = new ArrayList<Split>();
            for (var entry : field(json, "domains").getAsJsonObject().entrySet()) {
                JsonObject ranges = entry.getValue().getAsJsonObject();
                domains.add(new Split(entry.getKey(), ranges(field(ranges, "train"), trainTokens),
                        ranges(field(ranges, "val"), valTokens)));
            }
            return new Meta(field(json, "source").getAsString(), field(json, "tokenizer").getAsString(),
                    field(json, "vocab_size").getAsInt(), field(json, "documents").getAsLong(), trainTokens, valTokens,
                    List.copyOf(domains));
        } catch (IOException e) {
            throw Io.failed("read", file, e);
        } catch (JsonParseException | IllegalStateException | IllegalArgumentException | UnsupportedOperationException
                | IndexOutOfBoundsException e) {
            throw new UserError(
                    file + " cannot be understood: " + e.getMessage() + ". Prepare the folder again, or delete "
                            + "this file to use the folder as one domain.",
                    e);
        }
    }

    private static JsonElement field(JsonObject json, String name) {
        JsonElement value = json.get(name);
        if (value == null) {
            throw new IllegalArgumentException("the field '" + name + "' is missing");
        }
        return value;
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

    private static List<Range> ranges(JsonElement json, long tokens) {
        var ranges = new ArrayList<Range>();
        long last = 0;
        for (JsonElement pair : json.getAsJsonArray()) {
            var range = new Range(pair.getAsJsonArray().get(0).getAsLong(), pair.getAsJsonArray().get(1).getAsLong());
            if (range.begin() < last || range.end() > tokens) {
                throw new IllegalArgumentException("the range [" + range.begin() + ", " + range.end()
                        + ") is out of order or reaches past the " + tokens + " tokens");
            }
            last = range.end();
            ranges.add(range);
        }
        return List.copyOf(ranges);
    }
}
