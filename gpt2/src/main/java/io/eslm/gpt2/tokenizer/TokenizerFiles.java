// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.tokenizer;

import com.google.gson.JsonArray;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import io.eslm.tensor.io.Json;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

/** The files in which other tools look for a byte-level BPE. */
final class TokenizerFiles {
    private static final String CONFIG = "tokenizer_config.json";

    private TokenizerFiles() {
    }

    /** See {@link BpeVocabulary#tokenizer}. Its files are all four, the one that {@link Tokenizers#open} reads last. */
    static Tokenizer tokenizer(BpeVocabulary vocabulary) {
        JsonObject json = json(vocabulary);
        var files = new LinkedHashMap<String, byte[]>();
        files.put(Gpt2Files.VOCAB, vocab(vocabulary.tokens()));
        files.put(Gpt2Files.MERGES, merges(IntStream.range(0, vocabulary.merges()), i -> vocabulary.part(i, 0),
                i -> vocabulary.part(i, 1)));
        files.put(CONFIG, config(vocabulary.special()).toString().getBytes(StandardCharsets.UTF_8));
        files.put(Tokenizers.HUGGING_FACE, json.toString().getBytes(StandardCharsets.UTF_8));
        return TokenizerJson.of(Json.of(Path.of(Tokenizers.HUGGING_FACE), json), Collections.unmodifiableMap(files));
    }

    /** {@code vocab.json} of tokens by id: all but ASCII is escaped, as in the file published with GPT-2. */
    static byte[] vocab(List<String> tokens) {
        var json = new StringBuilder(16 * tokens.size()).append('{');
        for (int id = 0; id < tokens.size(); id++) {
            append(json.append(id == 0 ? "" : ", "), tokens.get(id)).append(": ").append(id);
        }
        return json.append('}').toString().getBytes(StandardCharsets.UTF_8);
    }

    private static StringBuilder append(StringBuilder json, String text) {
        json.append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '"' || c == '\\') {
                json.append('\\').append(c);
            } else if (c >= ' ' && c < 0x7F) {
                json.append(c);
            } else {
                json.append(String.format(Locale.ROOT, "\\u%04x", (int) c));
            }
        }
        return json.append('"');
    }

    /** {@code merges.txt} of merges by rank. */
    static byte[] merges(IntStream merges, IntFunction<String> left, IntFunction<String> right) {
        var text = new StringBuilder("#version: 0.2\n");
        merges.forEach(i -> text.append(left.apply(i)).append(' ').append(right.apply(i)).append('\n'));
        return text.toString().getBytes(StandardCharsets.UTF_8);
    }

    private static JsonObject json(BpeVocabulary vocabulary) {
        JsonObject ids = new JsonObject();
        for (int id = 0; id < vocabulary.size(); id++) {
            ids.addProperty(vocabulary.tokens().get(id), id);
        }
        JsonArray merges = new JsonArray();
        for (int i = 0; i < vocabulary.merges(); i++) {
            JsonArray merge = new JsonArray(2);
            merge.add(vocabulary.part(i, 0));
            merge.add(vocabulary.part(i, 1));
            merges.add(merge);
        }
        return json(ids, merges, vocabulary.special());
    }

    /** The contents of a {@code tokenizer.json}: a byte-level BPE that cuts texts as GPT-2 does; {@code special} have ids too. */
    static JsonObject json(JsonObject ids, JsonArray merges, List<String> special) {
        JsonArray added = new JsonArray();
        for (String text : special) {
            JsonObject token = new JsonObject();
            token.add("id", ids.get(text));
            token.addProperty("content", text);
            for (String no : List.of("single_word", "lstrip", "rstrip", "normalized")) {
                token.addProperty(no, false);
            }
            token.addProperty("special", true);
            added.add(token);
        }
        JsonObject byteLevel = new JsonObject();
        byteLevel.addProperty("type", "ByteLevel");
        byteLevel.addProperty("add_prefix_space", false);
        byteLevel.addProperty("trim_offsets", true);
        byteLevel.addProperty("use_regex", true);
        JsonObject root = new JsonObject();
        root.addProperty("version", "1.0");
        root.add("truncation", JsonNull.INSTANCE);
        root.add("padding", JsonNull.INSTANCE);
        root.add("added_tokens", added);
        root.add("normalizer", JsonNull.INSTANCE);
        root.add("pre_tokenizer", byteLevel);
        root.add("post_processor", JsonNull.INSTANCE);
        root.add("decoder", byteLevel);
        root.add("model", model(ids, merges));
        return root;
    }

    private static JsonObject model(JsonObject ids, JsonArray merges) {
        JsonObject model = new JsonObject();
        model.addProperty("type", "BPE");
        model.add("dropout", JsonNull.INSTANCE);
        model.add("unk_token", JsonNull.INSTANCE);
        model.add("continuing_subword_prefix", JsonNull.INSTANCE);
        model.add("end_of_word_suffix", JsonNull.INSTANCE);
        model.addProperty("fuse_unk", false);
        model.addProperty("byte_fallback", false);
        model.addProperty("ignore_merges", false);
        model.add("vocab", ids);
        model.add("merges", merges);
        return model;
    }

    /** Without end-of-text, {@code transformers} gets no token for the end. */
    private static JsonObject config(List<String> special) {
        JsonObject config = new JsonObject();
        config.addProperty("tokenizer_class", "PreTrainedTokenizerFast");
        config.addProperty("add_prefix_space", false);
        config.addProperty("clean_up_tokenization_spaces", false);
        if (special.contains(Gpt2Tokenizer.END_OF_TEXT_LITERAL)) {
            for (String use : List.of("bos_token", "eos_token", "unk_token")) {
                config.addProperty(use, Gpt2Tokenizer.END_OF_TEXT_LITERAL);
            }
        }
        JsonArray others = new JsonArray();
        special.stream().filter(token -> !token.equals(Gpt2Tokenizer.END_OF_TEXT_LITERAL)).forEach(others::add);
        if (!others.isEmpty()) {
            config.add("extra_special_tokens", others);
        }
        return config;
    }
}
