// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.checkpoint;

import com.google.gson.JsonArray;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.tokenizer.Tokenizer;
import io.eslm.tensor.UserError;
import io.eslm.tensor.io.Json;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/** Reads and writes the {@code config.json} and {@code generation_config.json} of a Hugging Face GPT-2. */
final class ConfigJson {
    /** The release of transformers whose files these are, field by field. */
    private static final String LAYOUT_OF = "5.18.0";
    /** The tanh form of GELU under its two names. */
    private static final Set<String> TANH_GELU = Set.of("gelu_new", "gelu_pytorch_tanh");
    private static final double DEFAULT_DROPOUT = 0.1;
    private static final double DEFAULT_EPSILON = 1e-5;
    private static final System.Logger LOG = System.getLogger(ConfigJson.class.getName());

    private ConfigJson() {
    }

    /**
     * Reads a config.json of any release. Ignores fields that matter only to other programs.
     *
     * @throws UserError if the file is damaged, or the model computes anything else than GPT-2
     */
    static Gpt2Config read(Path file) {
        return of(Json.read(file));
    }

    static Gpt2Config of(Json json) {
        checkSupported(json);
        int width = json.required("n_embd", Integer.class);
        long inner = json.optional("n_inner", Long.class, 4L * width);
        if (inner != 4L * width) {
            throw notSupported(json.file(), "n_inner " + inner, "null or 4·n_embd = " + 4L * width);
        }
        try {
            return Gpt2Config.of(json.required("n_layer", Integer.class), json.required("n_head", Integer.class), width,
                    json.required(json.has("n_positions") ? "n_positions" : "n_ctx", Integer.class))
                    .with(Gpt2Config.VOCAB_SIZE, json.required("vocab_size", Integer.class))
                    .with(Gpt2Config.DROPOUT, dropout(json))
                    .with(Gpt2Config.LAYER_NORM_EPS,
                            json.optional("layer_norm_epsilon", Double.class, DEFAULT_EPSILON))
                    .check();
        } catch (UserError e) {
            throw new UserError(json.file() + ": " + e.getMessage(), e);
        }
    }

    private static void checkSupported(Json json) {
        String type = json.optional("model_type", String.class, "gpt2");
        if (!type.equals("gpt2")) {
            throw new UserError(json.file() + ": model_type is " + Json.shown('"' + type + '"')
                    + ", but only \"gpt2\" can be loaded");
        }
        String activation = json.optional("activation_function", String.class, "gelu_new");
        if (!TANH_GELU.contains(activation)) {
            throw notSupported(json.file(), "activation_function " + Json.shown('"' + activation + '"'),
                    "\"gelu_new\"");
        }
        flag(json, "scale_attn_weights", true);
        flag(json, "scale_attn_by_inverse_layer_idx", false);
        flag(json, "reorder_and_upcast_attn", false);
        flag(json, "tie_word_embeddings", true);
        flag(json, "add_cross_attention", false);
    }

    private static void flag(Json json, String field, boolean computed) {
        boolean value = json.optional(field, Boolean.class, computed);
        if (value != computed) {
            throw notSupported(json.file(), field + " " + value, String.valueOf(computed));
        }
    }

    private static UserError notSupported(Path file, String found, String computed) {
        return new UserError(file + ": " + found + " is not supported (only " + computed
                + "), because the model would compute different results");
    }

    /** One rate for all three places: that of the residual branches, if a file has several. */
    private static double dropout(Json json) {
        double residual = json.optional("resid_pdrop", Double.class, DEFAULT_DROPOUT);
        for (String field : new String[] {"attn_pdrop", "embd_pdrop"}) {
            double other = json.optional(field, Double.class, DEFAULT_DROPOUT);
            if (other != residual) {
                LOG.log(System.Logger.Level.WARNING,
                        "{0}: {1} is {2}, but training uses one dropout rate, resid_pdrop {3}",
                        json.file(), field, other, residual);
            }
        }
        return residual;
    }

    /** The contents of config.json: the fields of Hugging Face, in its order. */
    static JsonObject of(Gpt2Config config, Optional<Tokenizer> tokenizer) {
        JsonObject o = new JsonObject();
        o.addProperty("activation_function", "gelu_new");
        o.addProperty("add_cross_attention", false);
        JsonArray architectures = new JsonArray();
        architectures.add("GPT2LMHeadModel");
        o.add("architectures", architectures);
        o.addProperty("attn_pdrop", config.dropout());
        endOfText(o, "bos_token_id", tokenizer);
        o.addProperty("dtype", "float32");
        o.addProperty("embd_pdrop", config.dropout());
        endOfText(o, "eos_token_id", tokenizer);
        o.addProperty("initializer_range", 0.02);
        o.addProperty("layer_norm_epsilon", config.layerNormEps());
        o.addProperty("model_type", "gpt2");
        o.addProperty("n_embd", config.nEmbd());
        o.addProperty("n_head", config.nHead());
        o.add("n_inner", JsonNull.INSTANCE);
        o.addProperty("n_layer", config.nLayer());
        o.addProperty("n_positions", config.blockSize());
        o.add("pad_token_id", JsonNull.INSTANCE);
        o.addProperty("reorder_and_upcast_attn", false);
        o.addProperty("resid_pdrop", config.dropout());
        o.addProperty("scale_attn_by_inverse_layer_idx", false);
        o.addProperty("scale_attn_weights", true);
        o.add("summary_activation", JsonNull.INSTANCE);
        o.addProperty("summary_first_dropout", DEFAULT_DROPOUT);
        o.addProperty("summary_proj_to_labels", true);
        o.addProperty("summary_type", "cls_index");
        o.addProperty("summary_use_proj", true);
        o.addProperty("tie_word_embeddings", true);
        o.addProperty("transformers_version", LAYOUT_OF);
        o.addProperty("use_cache", true);
        o.addProperty("vocab_size", config.vocabSize());
        return o;
    }

    /** The contents of generation_config.json. */
    static JsonObject generation(Optional<Tokenizer> tokenizer) {
        JsonObject o = new JsonObject();
        o.addProperty("_from_model_config", true);
        if (endOfText(tokenizer).isPresent()) {
            endOfText(o, "bos_token_id", tokenizer);
            endOfText(o, "eos_token_id", tokenizer);
        }
        o.addProperty("output_attentions", false);
        o.addProperty("output_hidden_states", false);
        o.addProperty("transformers_version", LAYOUT_OF);
        o.addProperty("use_cache", true);
        return o;
    }

    private static void endOfText(JsonObject o, String field, Optional<Tokenizer> tokenizer) {
        OptionalInt id = endOfText(tokenizer);
        o.add(field, id.isPresent() ? new JsonPrimitive(id.getAsInt()) : JsonNull.INSTANCE);
    }

    private static OptionalInt endOfText(Optional<Tokenizer> tokenizer) {
        return tokenizer.map(Tokenizer::endOfText).orElse(OptionalInt.empty());
    }
}
