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
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** Reads {@code vocab.json} and {@code merges.txt}, the two files of a byte-level BPE like GPT-2's. */
final class Gpt2Files {
    static final String VOCAB = "vocab.json";
    static final String MERGES = "merges.txt";

    private Gpt2Files() {
    }

    /** @throws UserError if a file cannot be read, or the two do not fit */
    static Tokenizer read(Path folder) {
        Map<String, byte[]> files = Map.of(VOCAB, bytes(folder.resolve(VOCAB)), MERGES, bytes(folder.resolve(MERGES)));
        Tokenizer gpt2 = new Gpt2Tokenizer();
        if (gpt2.files().entrySet().stream().allMatch(f -> Arrays.equals(f.getValue(), files.get(f.getKey())))) {
            return gpt2;
        }
        Path file = folder.resolve(VOCAB);
        return TokenizerJson.of(
                Json.of(file, tokenizerJson(Json.read(file).object(), merges(files.get(MERGES)))), files);
    }

    /** The contents of a {@code tokenizer.json}: a byte-level BPE that cuts a text as GPT-2 does. */
    static JsonObject tokenizerJson(JsonObject vocab, JsonArray merges) {
        return TokenizerFiles.json(vocab, merges, vocab.has(Gpt2Tokenizer.END_OF_TEXT_LITERAL)
                ? List.of(Gpt2Tokenizer.END_OF_TEXT_LITERAL) : List.of());
    }

    private static byte[] bytes(Path file) {
        try {
            return Files.readAllBytes(file);
        } catch (IOException e) {
            throw FileErrors.failed("read", file, e);
        }
    }

    private static JsonArray merges(byte[] file) {
        JsonArray merges = new JsonArray();
        new String(file, StandardCharsets.UTF_8).lines().filter(line -> !line.startsWith("#version") && !line.isBlank())
                .forEach(merges::add);
        return merges;
    }
}
