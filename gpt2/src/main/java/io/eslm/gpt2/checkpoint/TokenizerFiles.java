// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.checkpoint;

import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.format.ForeignModel;
import io.eslm.gpt2.tokenizer.Tokenizers;
import io.eslm.tensor.io.FileErrors;
import io.eslm.tensor.io.Json;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The tokenizer that belongs to a model, as files. */
final class TokenizerFiles {
    private static final String JSON = "tokenizer.json";
    private static final List<String> NAMES =
            List.of(JSON, "vocab.json", "merges.txt", "tokenizer.tiktoken", "meta.pkl",
                    "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json");

    private TokenizerFiles() {
    }

    /**
     * Files by name: from the model's file, from beside it, or, for a model of GPT-2's vocabulary that has none, GPT-2's. Empty if nothing
     * is known.
     *
     * @param model a folder, or a file
     */
    static Map<String, byte[]> of(Path model, Optional<ForeignModel> foreign, Gpt2Config config) {
        Map<String, byte[]> files = new LinkedHashMap<>();
        foreign.flatMap(ForeignModel::tokenizer)
                .ifPresent(json -> files.put(JSON, Json.pretty(json).getBytes(StandardCharsets.UTF_8)));
        if (files.isEmpty()) {
            add(Files.isDirectory(model) ? model : model.toAbsolutePath().getParent(), NAMES, files);
        }
        if (files.isEmpty()) {
            Tokenizers.usual(config.vocabSize()).ifPresent(usual -> files.putAll(usual.files()));
        }
        return files;
    }

    private static void add(Path folder, List<String> names, Map<String, byte[]> files) {
        for (String name : names) {
            Path file = folder.resolve(name);
            if (Files.isRegularFile(file)) {
                try {
                    files.put(name, Files.readAllBytes(file));
                } catch (IOException e) {
                    throw FileErrors.failed("read", file, e);
                }
            }
        }
    }
}
