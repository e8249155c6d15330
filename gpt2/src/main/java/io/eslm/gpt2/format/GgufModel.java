// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.format;

import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.PretrainedNames;
import io.eslm.tensor.UserError;
import java.nio.file.Path;
import java.util.Map;

/** GPT-2 in a GGUF file, as llama.cpp names it. Matrices are (out, in). Without {@code output.weight}, the head is tied. */
public final class GgufModel {
    static final String ARCHITECTURE = "gpt2";
    /** What GGUF has no words for, in the words of config.json: the exact GELU, and that zero biases are none. */
    static final String ACTIVATION = "eslm.activation_function";
    static final String BIAS = "eslm.bias";
    private static final String INNER = "feed_forward_length";
    static final String HEAD = "output.weight";
    static final String EMBEDDING = "token_embd";
    /** Names in a block, by ours. */
    static final Map<String, String> IN_BLOCK = Map.of("ln_1", "attn_norm", "attn.c_attn", "attn_qkv", "attn.c_proj",
            "attn_output", "ln_2", "ffn_norm", "mlp.c_fc", "ffn_up", "mlp.c_proj", "ffn_down");
    /** The others. */
    static final Map<String, String> OUTSIDE =
            Map.of("wte", EMBEDDING, "wpe", "position_embd", "ln_f", "output_norm");

    private GgufModel() {
    }

    /** @throws UserError if it is damaged or no GPT-2 */
    public static ForeignModel open(Path file) {
        return MappedFile.open(file, GgufModel::of);
    }

    static ForeignModel of(MappedFile file) {
        GgufFile gguf = new GgufFile(file);
        String architecture = gguf.text("general.architecture", "");
        if (!architecture.equals(ARCHITECTURE)) {
            throw file.wrong("holds a model of architecture \"" + MappedFile.shown(architecture)
                    + "\", but only \"gpt2\" can be loaded", "Name the file of a GPT-2");
        }
        if (gguf.number("split.count", 1) > 1) {
            throw file.wrong("is one of " + gguf.number("split.count", 1) + " parts of a model",
                    "Join them with llama-gguf-split, and name the whole file");
        }
        TensorData embedding = gguf.tensors().get(EMBEDDING + ".weight");
        TensorData head = gguf.tensors().get(HEAD);
        boolean tied = embedding == null || head == null || embedding.encoding() == head.encoding()
                && embedding.shape().equals(head.shape()) && embedding.data().mismatch(head.data()) < 0;
        ForeignModel model =
                new ForeignModel(file, "GGUF model", config(file, gguf, tied),
                        () -> GgufTokenizer.json(gguf).orElse(null));
        gguf.tensors().forEach((name, data) -> {
            String ours = name(name);
            model.add(ours, data, ours.contains(".c_"));
        });
        return model;
    }

    private static Gpt2Config config(MappedFile file, GgufFile gguf, boolean tied) {
        TensorData embedding = gguf.tensors().get(EMBEDDING + ".weight");
        if (embedding == null) {
            embedding = gguf.tensors().get(HEAD);
        }
        if (embedding == null || embedding.shape().rank() != 2) {
            throw file.broken("has no tensor " + EMBEDDING + ".weight of two dimensions");
        }
        int width = count(file, gguf, "embedding_length");
        try {
            Gpt2Config config = Gpt2Config.of(count(file, gguf, "block_count"),
                    count(file, gguf, "attention.head_count"), width, count(file, gguf, "context_length"))
                    .with(Gpt2Config.VOCAB_SIZE, embedding.shape().dim(0))
                    .with(Gpt2Config.LAYER_NORM_EPS, decimal(gguf.real(key("attention.layer_norm_epsilon"), 1e-5)))
                    .with(Gpt2Config.ACTIVATION, gguf.text(ACTIVATION, Gpt2Config.ACTIVATIONS.getFirst()))
                    .with(Gpt2Config.BIAS, gguf.truth(BIAS, gguf.tensors().containsKey("output_norm.bias")))
                    .with(Gpt2Config.TIE_WORD_EMBEDDINGS, tied);
            int inner = gguf.has(key(INNER)) ? count(file, gguf, INNER) : 0;
            return (inner == 0 || inner == 4L * width ? config : config.with(Gpt2Config.N_INNER, inner)).check();
        } catch (UserError e) {
            throw new UserError(file.file() + ": " + e.getMessage(), e);
        }
    }

    /** The file has an F32: its shortest decimal form is the number that was meant. */
    private static double decimal(double value) {
        return Double.parseDouble(Float.toString((float) value));
    }

    private static String key(String field) {
        return ARCHITECTURE + "." + field;
    }

    private static int count(MappedFile file, GgufFile gguf, String field) {
        long n = gguf.number(key(field), 0);
        if (n < 1 || n > Integer.MAX_VALUE) {
            throw file.broken("metadata " + key(field) + " is "
                    + (gguf.has(key(field)) ? Long.toString(n) : "missing") + ", expected a count");
        }
        return (int) n;
    }

    /** {@code blk.0.attn_qkv.weight} → {@code transformer.h.0.attn.c_attn.weight}. Other names stay. */
    private static String name(String theirs) {
        if (theirs.equals(HEAD)) {
            return PretrainedNames.HEAD;
        }
        String[] parts = theirs.split("\\.", -1);
        if (parts.length == 4 && parts[0].equals("blk")) {
            for (Map.Entry<String, String> e : IN_BLOCK.entrySet()) {
                if (e.getValue().equals(parts[2])) {
                    return PretrainedNames.PREFIX + "h." + parts[1] + "." + e.getKey() + "." + parts[3];
                }
            }
        }
        for (Map.Entry<String, String> e : OUTSIDE.entrySet()) {
            if (parts.length == 2 && e.getValue().equals(parts[0])) {
                return PretrainedNames.PREFIX + e.getKey() + "." + parts[1];
            }
        }
        return theirs;
    }

    /** The name in a GGUF file of a weight that Hugging Face calls {@code ours}, with its prefix. */
    static String theirs(String ours) {
        if (ours.equals(PretrainedNames.HEAD)) {
            return HEAD;
        }
        String bare = ours.substring(PretrainedNames.PREFIX.length());
        int dot = bare.lastIndexOf('.');
        String kind = bare.substring(dot + 1);
        if (!bare.startsWith("h.")) {
            return OUTSIDE.get(bare.substring(0, dot)) + "." + kind;
        }
        int block = bare.indexOf('.', 2);
        return "blk." + bare.substring(2, block) + "." + IN_BLOCK.get(bare.substring(block + 1, dot)) + "." + kind;
    }
}
