// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.tokenizer;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.eslm.tensor.UserError;
import io.eslm.tensor.io.FileErrors;
import io.eslm.tensor.io.Json;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** Reads {@code vocab.json} and {@code merges.txt}, the two files of a byte-level BPE like GPT-2's. */
final class Gpt2Files {
    static final String VOCAB = "vocab.json";
    static final String MERGES = "merges.txt";

    private Gpt2Files() {
    }

    /** @throws UserError if a file cannot be read, or the two do not fit */
    static Tokenizer read(Path folder) {
        JsonObject vocab = Json.read(folder.resolve(VOCAB)).object();
        JsonObject model = new JsonObject();
        model.add("vocab", vocab);
        model.add("merges", merges(folder.resolve(MERGES)));
        JsonObject byteLevel = Json.parse("{\"type\":\"ByteLevel\",\"add_prefix_space\":false}");
        JsonObject root = new JsonObject();
        root.add("model", model);
        root.add("pre_tokenizer", byteLevel);
        root.add("decoder", byteLevel);
        if (vocab.has(Gpt2Tokenizer.END_OF_TEXT_LITERAL)) {
            JsonObject end = new JsonObject();
            end.add("id", vocab.get(Gpt2Tokenizer.END_OF_TEXT_LITERAL));
            end.addProperty("content", Gpt2Tokenizer.END_OF_TEXT_LITERAL);
            end.addProperty("special", true);
            JsonArray added = new JsonArray();
            added.add(end);
            root.add("added_tokens", added);
        }
        return TokenizerJson.of(Json.of(folder.resolve(VOCAB), root));
    }

    private static JsonArray merges(Path file) {
        JsonArray merges = new JsonArray();
        try {
            for (String line : Files.readAllLines(file, StandardCharsets.UTF_8)) {
                if (!line.startsWith("#version") && !line.isBlank()) {
                    merges.add(line);
                }
            }
        } catch (IOException e) {
            throw FileErrors.failed("read", file, e);
        }
        return merges;
    }
}
