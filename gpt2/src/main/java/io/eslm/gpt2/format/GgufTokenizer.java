// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.format;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import io.eslm.tensor.io.Json;
import java.lang.System.Logger.Level;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The tokenizer in the metadata of a GGUF file, as Hugging Face's tokenizer.json, and back: byte-level BPE. */
final class GgufTokenizer {
    static final String MODEL = "tokenizer.ggml.model";
    private static final String PRE = "tokenizer.ggml.pre";
    private static final String TOKENS = "tokenizer.ggml.tokens";
    private static final String TYPES = "tokenizer.ggml.token_type";
    private static final String MERGES = "tokenizer.ggml.merges";
    private static final int NORMAL = 1;
    private static final int CONTROL = 3;
    private static final int USER_DEFINED = 4;
    private static final int UNUSED = 5;
    private static final String END_OF_TEXT = "<|endoftext|>";
    private static final System.Logger LOG = System.getLogger(GgufTokenizer.class.getName());
    private static final JsonObject BYTE_LEVEL =
            Json.parse("{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"trim_offsets\":true,\"use_regex\":true}");
    /** How a text is cut, by llama.cpp's names for it. GPT-2's way is that of ByteLevel itself. */
    private static final Map<String, String> PATTERNS = Map.of("llama-bpe",
            "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
            "qwen2",
            "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+");

    private GgufTokenizer() {
    }

    /** Empty, with a warning, if there is one of another kind. */
    static Optional<JsonObject> json(GgufFile gguf) {
        String model = gguf.text(MODEL, "none");
        String pre = gguf.text(PRE, "gpt-2");
        boolean gpt2 = pre.equals("gpt-2") || pre.equals("default");
        if (!model.equals("gpt2") || !gpt2 && !PATTERNS.containsKey(pre)) {
            if (!model.equals("none") && !model.equals("no_vocab")) {
                LOG.log(Level.WARNING, "the tokenizer in the GGUF file is of a kind that is not read: {0}, {1}",
                        MappedFile.shown(model), MappedFile.shown(pre));
            }
            return Optional.empty();
        }
        JsonObject root = new JsonObject();
        root.addProperty("version", "1.0");
        root.add("truncation", JsonNull.INSTANCE);
        root.add("padding", JsonNull.INSTANCE);
        JsonObject vocabulary = new JsonObject();
        root.add("added_tokens", tokens(gguf, vocabulary));
        root.add("normalizer", JsonNull.INSTANCE);
        root.add("pre_tokenizer", gpt2 ? BYTE_LEVEL : splitter(PATTERNS.get(pre)));
        root.add("post_processor", BYTE_LEVEL);
        root.add("decoder", BYTE_LEVEL);
        JsonObject bpe = new JsonObject();
        bpe.addProperty("type", "BPE");
        bpe.addProperty("ignore_merges", pre.equals("llama-bpe"));
        bpe.add("vocab", vocabulary);
        JsonArray merges = new JsonArray();
        gguf.list(MERGES, String.class).forEach(merges::add);
        bpe.add("merges", merges);
        root.add("model", bpe);
        return Optional.of(root);
    }

    /**
     * The contents of the tokenizer.json among {@code files}, or those that its vocab.json and merges.txt stand for; empty if there are
     * none.
     *
     * @param files by name
     */
    static Optional<JsonObject> json(Map<String, byte[]> files) {
        if (files.containsKey("tokenizer.json")) {
            return Optional.of(Json.parse(text(files, "tokenizer.json")));
        }
        if (!files.containsKey("vocab.json") || !files.containsKey("merges.txt")) {
            return Optional.empty();
        }
        JsonObject bpe = new JsonObject();
        bpe.add("vocab", Json.parse(text(files, "vocab.json")));
        JsonArray merges = new JsonArray();
        text(files, "merges.txt").lines().filter(line -> !line.startsWith("#version") && !line.isBlank())
                .forEach(merges::add);
        bpe.add("merges", merges);
        JsonObject root = new JsonObject();
        root.add("pre_tokenizer", BYTE_LEVEL);
        root.add("model", bpe);
        return Optional.of(root);
    }

    private static String text(Map<String, byte[]> files, String name) {
        return new String(files.get(name), StandardCharsets.UTF_8);
    }

    private static JsonArray tokens(GgufFile gguf, JsonObject vocabulary) {
        JsonArray added = new JsonArray();
        List<String> tokens = gguf.list(TOKENS, String.class);
        List<Long> types = gguf.list(TYPES, Long.class);
        for (int id = 0; id < tokens.size(); id++) {
            long type = id < types.size() ? types.get(id) : NORMAL;
            if (type == UNUSED) {
                continue;
            }
            vocabulary.addProperty(tokens.get(id), id);
            if (type == CONTROL || type == USER_DEFINED) {
                JsonObject token = new JsonObject();
                token.addProperty("id", id);
                token.addProperty("content", tokens.get(id));
                for (String rule : List.of("single_word", "lstrip", "rstrip", "normalized")) {
                    token.addProperty(rule, false);
                }
                token.addProperty("special", type == CONTROL);
                added.add(token);
            }
        }
        return added;
    }

    private static JsonObject splitter(String pattern) {
        JsonObject regex = new JsonObject();
        regex.addProperty("Regex", pattern);
        JsonObject split = new JsonObject();
        split.addProperty("type", "Split");
        split.add("pattern", regex);
        split.addProperty("behavior", "Isolated");
        split.addProperty("invert", false);
        JsonObject bytes = BYTE_LEVEL.deepCopy();
        bytes.addProperty("use_regex", false);
        JsonArray steps = new JsonArray();
        steps.add(split);
        steps.add(bytes);
        JsonObject sequence = new JsonObject();
        sequence.addProperty("type", "Sequence");
        sequence.add("pretokenizers", steps);
        return sequence;
    }

    /**
     * Writes a tokenizer.json.
     *
     * @param size number of token ids of the model; ids without a token are marked as unused
     * @return false, with nothing written, if GGUF has no words for this tokenizer
     */
    static boolean write(JsonObject root, int size, GgufHeader out) {
        String pre = pre(root.get("pre_tokenizer"));
        if (pre == null || !(root.get("model") instanceof JsonObject model)
                || !(model.get("vocab") instanceof JsonObject vocabulary)
                || !(model.get("merges") instanceof JsonArray merges)
                || root.has("normalizer") && !root.get("normalizer").isJsonNull()) {
            return false;
        }
        int end = vocabulary.has(END_OF_TEXT) ? vocabulary.get(END_OF_TEXT).getAsInt() : -1;
        String[] tokens = new String[size];
        int[] types = new int[size];
        Arrays.fill(types, UNUSED);
        for (int id = 0; id < size; id++) {
            tokens[id] = "[PAD" + id + "]";
        }
        for (Map.Entry<String, JsonElement> e : vocabulary.entrySet()) {
            put(tokens, types, e.getValue().getAsInt(), e.getKey(), NORMAL);
        }
        if (end >= 0) {
            put(tokens, types, end, END_OF_TEXT, CONTROL);
        }
        if (root.get("added_tokens") instanceof JsonArray added) {
            for (JsonElement e : added) {
                JsonObject token = e.getAsJsonObject();
                int id = token.get("id").getAsInt();
                String content = token.get("content").getAsString();
                put(tokens, types, id, content,
                        token.has("special") && token.get("special").getAsBoolean() ? CONTROL : USER_DEFINED);
                end = content.equals(END_OF_TEXT) ? id : end;
            }
        }
        List<String> pairs = new ArrayList<>();
        merges.forEach(pair -> pairs.add(pair instanceof JsonArray two
                ? two.get(0).getAsString() + " " + two.get(1).getAsString() : pair.getAsString()));
        out.text(MODEL, "gpt2").text(PRE, pre).texts(TOKENS, List.of(tokens)).ints(TYPES, types).texts(MERGES, pairs);
        if (end >= 0 && end < size) {
            out.count("tokenizer.ggml.bos_token_id", end).count("tokenizer.ggml.eos_token_id", end);
        }
        out.flag("tokenizer.ggml.add_bos_token", false);
        return true;
    }

    private static void put(String[] tokens, int[] types, int id, String token, int type) {
        if (id >= 0 && id < tokens.length) {
            tokens[id] = token;
            types[id] = type;
        }
    }

    /** llama.cpp's name for the way in which a text is cut; null if it has none that is known here. */
    private static String pre(JsonElement step) {
        if (!(step instanceof JsonObject object)) {
            return null;
        }
        if (isByteLevel(object, true)) {
            return "gpt-2";
        }
        if (object.get("pretokenizers") instanceof JsonArray steps && steps.size() == 2
                && steps.get(0) instanceof JsonObject split && steps.get(1) instanceof JsonObject bytes
                && isByteLevel(bytes, false)) {
            for (Map.Entry<String, String> e : PATTERNS.entrySet()) {
                if (split.equals(splitter(e.getValue()).getAsJsonArray("pretokenizers").get(0))) {
                    return e.getKey();
                }
            }
        }
        return null;
    }

    private static boolean isByteLevel(JsonObject step, boolean regex) {
        return step.has("type") && step.get("type").getAsString().equals("ByteLevel")
                && step.has("add_prefix_space") && !step.get("add_prefix_space").getAsBoolean()
                && (!step.has("use_regex") || step.get("use_regex").getAsBoolean()) == regex;
    }
}
