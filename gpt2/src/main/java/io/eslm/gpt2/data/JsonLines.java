// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

import com.google.gson.Strictness;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import io.eslm.tensor.UserError;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.util.HexFormat;
import java.util.Locale;
import java.util.function.Consumer;

/** Reads JSON lines: each line is an object, whose field {@value #FIELD} is one document. Blank lines are skipped. */
final class JsonLines {
    private static final String FIELD = "text";

    private JsonLines() {
    }

    /** True if the name of a file says that it holds JSON lines. */
    static boolean is(String name) {
        String lower = name.toLowerCase(Locale.ROOT);
        return lower.endsWith(".jsonl") || lower.endsWith(".ndjson");
    }

    /** Why the first line is no document; null if it is one. */
    static String defect(Path file) throws IOException {
        try (BufferedReader lines = Files.newBufferedReader(file, StandardCharsets.UTF_8)) {
            String line = lines.readLine();
            while (line != null && line.isBlank()) {
                line = lines.readLine();
            }
            if (line == null) {
                return "it has no line";
            }
            document(line);
            return null;
        } catch (NoDocument e) {
            return "the first line is no document: " + e.getMessage();
        }
    }

    /**
     * Passes each document to {@code sink}, in order; returns the SHA-256 of the file.
     *
     * @throws UserError naming the first line that is no document
     */
    static String documents(Path file, Consumer<String> sink) throws IOException {
        var bytes = new DigestInputStream(Files.newInputStream(file), ContentIndex.sha256());
        try (BufferedReader lines =
                new BufferedReader(new InputStreamReader(bytes, StandardCharsets.UTF_8.newDecoder()))) {
            long number = 1;
            for (String line = lines.readLine(); line != null; line = lines.readLine(), number++) {
                if (!line.isBlank()) {
                    try {
                        sink.accept(document(line));
                    } catch (NoDocument e) {
                        throw new UserError(file + ", line " + number + ": is no document: " + e.getMessage()
                                + ". Each line must be an object like {\"" + FIELD + "\": \"…\"}.", e);
                    }
                }
            }
        }
        return HexFormat.of().formatHex(bytes.getMessageDigest().digest());
    }

    private static final class NoDocument extends Exception {
        private static final long serialVersionUID = 1;

        NoDocument(String message, Throwable cause) {
            super(message, cause);
        }
    }

    private static String document(String line) throws NoDocument {
        String text = null;
        try (JsonReader in = new JsonReader(new StringReader(line.startsWith("\uFEFF") ? line.substring(1) : line))) {
            in.setStrictness(Strictness.STRICT);
            in.beginObject();
            while (in.hasNext()) {
                if (!in.nextName().equals(FIELD)) {
                    in.skipValue();
                } else if (in.peek() != JsonToken.STRING || text != null) {
                    throw new NoDocument(text == null ? "its \"" + FIELD + "\" is not a string"
                            : "it has two fields \"" + FIELD + "\"", null);
                } else {
                    text = in.nextString();
                }
            }
            in.endObject();
            if (in.peek() != JsonToken.END_DOCUMENT) {
                throw new NoDocument("something follows the object", null);
            }
        } catch (IOException | IllegalStateException e) {
            throw new NoDocument("it is not a JSON object", e);
        }
        if (text == null) {
            throw new NoDocument("it has no field \"" + FIELD + "\"", null);
        }
        return text;
    }
}
