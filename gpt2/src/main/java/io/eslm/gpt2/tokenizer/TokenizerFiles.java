// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.tokenizer;

import com.google.gson.JsonArray;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import io.eslm.tensor.io.AtomicFiles;
import io.eslm.tensor.io.FileTrees;
import io.eslm.tensor.io.Json;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Writes the files in which other tools look for a byte-level BPE. */
final class TokenizerFiles {
    static final String TOKENIZER = "tokenizer.json";
    static final String CONFIG = "tokenizer_config.json";

    private TokenizerFiles() {
    }

    /** See {@link BpeVocabulary#write}. The file that {@link Tokenizers#open} reads comes last. */
    static void write(Path folder, BpeVocabulary vocabulary) {
        FileTrees.make(folder);
        files(vocabulary).forEach((name, text) -> AtomicFiles.writeString(folder.resolve(name), text));
    }

    /** The texts of all files by name. */
    private static Map<String, String> files(BpeVocabulary vocabulary) {
        var files = new LinkedHashMap<String, String>();
        files.put(Gpt2Files.VOCAB, vocab(vocabulary.tokens()));
        files.put(Gpt2Files.MERGES, merges(vocabulary));
        files.put(CONFIG, config(vocabulary.special()).toString());
        files.put(TOKENIZER, json(vocabulary).toString());
        return files;
    }

    /** See {@link BpeVocabulary#tokenizer}. */
    static Tokenizer tokenizer(BpeVocabulary vocabulary) {
        return TokenizerJson.of(Json.of(Path.of(TOKENIZER), json(vocabulary)));
    }

    /** All but ASCII is escaped, as in the file published with GPT-2. */
    private static String vocab(List<String> tokens) {
        var json = new StringBuilder(16 * tokens.size()).append('{');
        for (int id = 0; id < tokens.size(); id++) {
            VocabFiles.appendJson(json.append(id == 0 ? "" : ", "), tokens.get(id)).append(": ").append(id);
        }
        return json.append('}').toString();
    }

    private static String merges(BpeVocabulary vocabulary) {
        var text = new StringBuilder("#version: 0.2\n");
        for (int i = 0; i < vocabulary.merges(); i++) {
            text.append(vocabulary.part(i, 0)).append(' ').append(vocabulary.part(i, 1)).append('\n');
        }
        return text.toString();
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
