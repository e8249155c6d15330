// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.checkpoint;

import com.google.gson.JsonArray;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.option.Option;
import io.eslm.gpt2.tokenizer.Tokenizer;
import io.eslm.tensor.UserError;
import io.eslm.tensor.io.Json;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeSet;

/** Reads and writes the {@code config.json} and {@code generation_config.json} of a Hugging Face GPT-2. */
final class ConfigJson {
    /** The release of transformers whose files these are, field by field. */
    private static final String LAYOUT_OF = "5.18.0";
    /** Hugging Face's other names of our activations; those of gelu_new differ in the last digits of a constant. */
    private static final Map<String, String> SAME = Map.of("gelu_pytorch_tanh", "gelu_new", "gelu_fast", "gelu_new",
            "gelu_python_tanh", "gelu_new", "gelu_accurate", "gelu_new", "gelu_python", "gelu", "swish", "silu");
    /** Those that stand in config.json under their own names, {@link Gpt2Config#BIAS} in ours alone. */
    private static final List<Option<Boolean>> FLAGS = List.of(Gpt2Config.BIAS, Gpt2Config.TIE_WORD_EMBEDDINGS,
            Gpt2Config.SCALE_ATTN_WEIGHTS, Gpt2Config.SCALE_ATTN_BY_INVERSE_LAYER_IDX);
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
        try {
            Gpt2Config config = Gpt2Config.of(json.required("n_layer", Integer.class),
                    json.required("n_head", Integer.class), json.required("n_embd", Integer.class),
                    json.required(json.has("n_positions") ? "n_positions" : "n_ctx", Integer.class))
                    .with(Gpt2Config.VOCAB_SIZE, json.required("vocab_size", Integer.class))
                    .with(Gpt2Config.DROPOUT, dropout(json))
                    .with(Gpt2Config.LAYER_NORM_EPS,
                            json.optional("layer_norm_epsilon", Double.class, DEFAULT_EPSILON))
                    .with(Gpt2Config.ACTIVATION, activation(json));
            for (Option<Boolean> flag : FLAGS) {
                config = config.with(flag, json.optional(flag.jsonName(), Boolean.class, config.values().get(flag)));
            }
            Integer inner = json.optional("n_inner", Integer.class, null);
            return (inner == null ? config : config.with(Gpt2Config.N_INNER, inner)).check();
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
        if (json.optional("add_cross_attention", Boolean.class, false)) {
            throw new UserError(
                    json.file() + ": add_cross_attention is true, but attention to the output of an encoder is "
                            + "not computed; only false can be loaded");
        }
    }

    private static String activation(Json json) {
        String name = json.optional("activation_function", String.class, "gelu_new");
        String ours = SAME.getOrDefault(name, name);
        if (!Gpt2Config.ACTIVATIONS.contains(ours)) {
            Set<String> known = new TreeSet<>(Gpt2Config.ACTIVATIONS);
            known.addAll(SAME.keySet());
            throw new UserError(json.file() + ": activation_function is " + Json.shown('"' + name + '"')
                    + ", which is not computed; known are " + String.join(", ", known));
        }
        return ours;
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
        o.addProperty("activation_function", config.values().get(Gpt2Config.ACTIVATION));
        o.addProperty("add_cross_attention", false);
        JsonArray architectures = new JsonArray();
        architectures.add("GPT2LMHeadModel");
        o.add("architectures", architectures);
        o.addProperty("attn_pdrop", config.dropout());
        if (!config.bias()) {
            o.addProperty(Gpt2Config.BIAS.jsonName(), false); // ours: Hugging Face has no such field and finds zeros
        }
        endOfText(o, "bos_token_id", tokenizer);
        o.addProperty("dtype", "float32");
        o.addProperty("embd_pdrop", config.dropout());
        endOfText(o, "eos_token_id", tokenizer);
        o.addProperty("initializer_range", 0.02);
        o.addProperty("layer_norm_epsilon", config.layerNormEps());
        o.addProperty("model_type", "gpt2");
        o.addProperty("n_embd", config.nEmbd());
        o.addProperty("n_head", config.nHead());
        o.add("n_inner", config.nInner() == 4L * config.nEmbd() ? JsonNull.INSTANCE
                : new JsonPrimitive(config.nInner()));
        o.addProperty("n_layer", config.nLayer());
        o.addProperty("n_positions", config.blockSize());
        o.add("pad_token_id", JsonNull.INSTANCE);
        o.addProperty("reorder_and_upcast_attn", false);
        o.addProperty("resid_pdrop", config.dropout());
        flag(o, Gpt2Config.SCALE_ATTN_BY_INVERSE_LAYER_IDX, config);
        flag(o, Gpt2Config.SCALE_ATTN_WEIGHTS, config);
        o.add("summary_activation", JsonNull.INSTANCE);
        o.addProperty("summary_first_dropout", DEFAULT_DROPOUT);
        o.addProperty("summary_proj_to_labels", true);
        o.addProperty("summary_type", "cls_index");
        o.addProperty("summary_use_proj", true);
        flag(o, Gpt2Config.TIE_WORD_EMBEDDINGS, config);
        o.addProperty("transformers_version", LAYOUT_OF);
        o.addProperty("use_cache", true);
        o.addProperty("vocab_size", config.vocabSize());
        return o;
    }

    private static void flag(JsonObject o, Option<Boolean> flag, Gpt2Config config) {
        o.addProperty(flag.jsonName(), config.values().get(flag));
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
