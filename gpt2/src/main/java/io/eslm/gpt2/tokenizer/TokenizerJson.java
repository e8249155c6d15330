// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.tokenizer;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import io.eslm.tensor.UserError;
import io.eslm.tensor.io.FileErrors;
import io.eslm.tensor.io.Json;
import java.nio.charset.StandardCharsets;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.function.UnaryOperator;

/**
 * Reads Hugging Face's {@code tokenizer.json} where its model is BPE: byte-level vocabularies (GPT-2, Llama 3, Qwen) and
 * SentencePiece-like ones (Metaspace, byte fallback). What it does not know it refuses by name.
 */
final class TokenizerJson {
    /** No vocabulary in use has more. */
    static final int MOST_TOKENS = 1 << 22;
    /** Ids without a token, for each token. */
    private static final int MOST_GAPS = 4;
    /** Bytes of a file beside it that other programs read. */
    private static final int MOST_SETTINGS = 1 << 24;

    private final Json root;
    private final TextSteps steps;
    private final Map<String, Integer> ids = new HashMap<>();
    private final BpeMerges merges = new BpeMerges();
    private final List<AddedTokens.Added> added = new ArrayList<>();

    private final Map<String, byte[]> files;

    private TokenizerJson(Json root, Map<String, byte[]> files) {
        this.root = root;
        this.files = files;
        steps = new TextSteps(root);
    }

    /** @throws UserError if the file cannot be read, is damaged, or asks for a step that is not known here */
    static Tokenizer read(Path file) {
        Json root = Json.read(file);
        try {
            Map<String, byte[]> files = new HashMap<>();
            files.put(Tokenizers.HUGGING_FACE, Files.readAllBytes(file));
            for (String name : Tokenizers.SETTINGS) {
                Path beside = file.resolveSibling(name);
                if (Files.isRegularFile(beside) && Files.size(beside) <= MOST_SETTINGS) {
                    files.put(name, Files.readAllBytes(beside));
                }
            }
            return of(root, Collections.unmodifiableMap(files));
        } catch (IOException e) {
            throw FileErrors.failed("read", file, e);
        }
    }

    /**
     * {@link #read} from what a file holds.
     *
     * @param files for {@link Tokenizer#files}
     */
    static Tokenizer of(Json root, Map<String, byte[]> files) {
        return new TokenizerJson(root, files).tokenizer();
    }

    private Tokenizer tokenizer() {
        Json model = root.child("model");
        String type = model.optional("type", String.class, "BPE");
        if (!type.equals("BPE")) {
            throw model.wrong("type", "expected BPE, the only kind of vocabulary that is read");
        }
        for (String field : List.of("continuing_subword_prefix", "end_of_word_suffix")) {
            if (!model.optional(field, String.class, "").isEmpty()) {
                throw model.wrong(field, "expected none");
            }
        }
        if (model.has("dropout") && model.number("dropout") != 0) {
            throw model.wrong("dropout", "expected none: the same text must give the same tokens");
        }
        model.map("vocab", Integer.class).forEach((token, id) -> put(model.name("vocab"), token, id));
        addMerges(model);
        addTokens();
        UnaryOperator<String> normalizer = steps.normalizer();
        Splitters.Splitter splitter = steps.splitter();
        String unknown = model.optional("unk_token", String.class, null);
        if (unknown != null && !ids.containsKey(unknown)) {
            throw model.wrong("unk_token", "expected a token of the vocabulary");
        }
        return new BpeTokenizer(
                new BpeTokenizer.Parts(steps.isByteLevel() ? "byte-level BPE" : "BPE", ids, bytes(), merges,
                        added, normalizer, splitter, steps.byteLevel(),
                        model.optional("ignore_merges", Boolean.class, false),
                        model.optional("byte_fallback", Boolean.class, false), unknown == null ? -1 : ids.get(unknown),
                        model.optional("fuse_unk", Boolean.class, false), steps.stripsSpace(),
                        files));
    }

    private void put(String field, String token, Integer id) {
        if (id == null || id < 0 || id >= MOST_TOKENS) {
            throw new UserError(root.file() + ": " + field + " gives " + Json.shown(token) + " the id " + id
                    + "; expected one from 0 to " + (MOST_TOKENS - 1));
        }
        ids.put(token, id);
    }

    private void addMerges(Json model) {
        JsonElement list = model.object().get("merges");
        if (!(list instanceof JsonArray pairs)) {
            throw model.wrong("merges", "expected a list of pairs");
        }
        for (int rank = 0; rank < pairs.size(); rank++) {
            String[] pair = pair(pairs.get(rank));
            Integer left = pair == null ? null : ids.get(pair[0]);
            Integer right = pair == null ? null : ids.get(pair[1]);
            Integer joined = pair == null ? null : ids.get(pair[0] + pair[1]);
            if (left == null || right == null || joined == null) {
                throw new UserError(root.file() + ": merge " + rank + " is " + Json.shown(pairs.get(rank).toString())
                        + "; expected two tokens of the vocabulary that are a token together");
            }
            merges.add(rank, left, right, joined);
        }
    }

    /** {@code ["a", "b"]}; older files write {@code "a b"}. */
    private static String[] pair(JsonElement merge) {
        if (merge instanceof JsonArray two) {
            return two.size() == 2 && two.get(0).isJsonPrimitive() && two.get(1).isJsonPrimitive()
                    ? new String[] {two.get(0).getAsString(), two.get(1).getAsString()} : null;
        }
        String[] parts = merge.isJsonPrimitive() ? merge.getAsString().split(" ", -1) : new String[0];
        return parts.length == 2 ? parts : null;
    }

    private void addTokens() {
        if (!root.has("added_tokens")) {
            return;
        }
        for (Json token : root.children("added_tokens")) {
            String content = token.required("content", String.class);
            int id = (int) token.count("id", MOST_TOKENS - 1);
            boolean special = token.optional("special", Boolean.class, false);
            ids.putIfAbsent(content, id);
            added.add(new AddedTokens.Added(id, content, token.optional("single_word", Boolean.class, false),
                    token.optional("lstrip", Boolean.class, false), token.optional("rstrip", Boolean.class, false),
                    token.optional("normalized", Boolean.class, !special), special));
        }
    }

    private byte[][] bytes() {
        TreeMap<Integer, byte[]> byId = new TreeMap<>();
        Function<String, byte[]> decoder = steps.decoder();
        ids.forEach((token, id) -> byId.put(id, decoder.apply(token)));
        added.forEach(t -> byId.put(t.id(), t.content().getBytes(StandardCharsets.UTF_8)));
        int size = byId.isEmpty() ? 0 : byId.lastKey() + 1;
        if (size > MOST_GAPS * byId.size() + MOST_GAPS * 256) {
            throw new UserError(
                    root.file() + ": the highest token id is " + (size - 1) + ", but there are only " + byId.size()
                            + " tokens");
        }
        byte[][] bytes = new byte[size][];
        byId.forEach((id, b) -> bytes[id] = b);
        return bytes;
    }
}
