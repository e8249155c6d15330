// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import io.eslm.tensor.UserError;
import io.eslm.tensor.io.Json;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** Reads a file of prompts: one a line, or JSON lines with a field "prompt". Blank lines count for nothing. */
final class Prompts {
    private static final String FIELD = "prompt";

    private Prompts() {
    }

    /**
     * The prompts of {@code file}; "-" is the standard input. JSON lines have a name that ends in .jsonl, or a first line that
     * is one.
     *
     * @throws UserError naming the line that is no prompt
     */
    static List<String> read(Path file) {
        List<String> lines = Texts.read(file).lines().toList();
        boolean json = file.toString().toLowerCase(Locale.ROOT).endsWith(".jsonl")
                || lines.stream().filter(line -> !line.isBlank()).findFirst().flatMap(Prompts::field).isPresent();
        List<String> prompts = new ArrayList<>();
        for (int i = 0; i < lines.size(); i++) {
            String line = lines.get(i);
            if (!line.isBlank()) {
                int number = i + 1;
                prompts.add(!json ? line : field(line).orElseThrow(() -> new UserError("--prompts " + file + ": line "
                        + number + " is not a JSON object with a text named \"" + FIELD + "\", as in {\"" + FIELD
                        + "\": \"Once upon\"}")));
            }
        }
        if (prompts.isEmpty()) {
            throw new UserError("--prompts " + file + ": holds no prompt");
        }
        return prompts;
    }

    private static Optional<String> field(String line) {
        try {
            JsonObject o = line.strip().startsWith("{") ? Json.parse(line) : new JsonObject();
            JsonElement value = o.get(FIELD);
            return value != null && value.isJsonPrimitive() && value.getAsJsonPrimitive().isString()
                    ? Optional.of(value.getAsString()) : Optional.empty();
        } catch (JsonParseException | IllegalStateException _) {
            return Optional.empty();
        }
    }
}
