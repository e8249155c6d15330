// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.inspect;

import io.eslm.gpt2.Gpt2Config;
import io.eslm.tensor.UserError;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * The names of a model's activations, in order of computation, with their shapes. They are TransformerLens's names without
 * {@code hook_}, which is understood too. {@code NAME.grad} is the gradient of the loss that is trained on with respect to the
 * activation, of the same shape.
 *
 * <p>B windows, T positions, C width, H heads of D = C/H dimensions, V vocabulary. {@code ln1}, {@code ln2} and {@code ln_final} are
 * the outputs of the norms, with weight and bias. {@code attn.scores} are q·kᵀ/√D (or as the model's configuration scales them), −∞ for later positions; {@code attn.pattern} is
 * their softmax, before dropout. {@code kept} is 1 for a token that is trained on, else 0; it and {@code entropy} have no gradient. {@code attn_out} and {@code mlp_out} are what is added to the residual stream.
 */
public final class ActivationNames {
    private static final String GRADIENT = ".grad";

    /** Shapes in letters, by name; {@code blocks.N.} stands for each block. */
    private static final Map<String, String> SHAPES = shapes("embed", "B T C", "pos_embed", "B T C",
            "blocks.N.resid_pre", "B T C", "blocks.N.ln1", "B T C",
            "blocks.N.attn.q", "B T H D", "blocks.N.attn.k", "B T H D", "blocks.N.attn.v", "B T H D",
            "blocks.N.attn.scores", "B H T T", "blocks.N.attn.pattern", "B H T T", "blocks.N.attn.z", "B T H D",
            "blocks.N.attn_out", "B T C", "blocks.N.resid_mid", "B T C", "blocks.N.ln2", "B T C",
            "blocks.N.mlp.pre", "B T 4C", "blocks.N.mlp.post", "B T 4C", "blocks.N.mlp_out", "B T C",
            "blocks.N.resid_post", "B T C",
            "ln_final", "B T C", "logits", "B T V", "entropy", "B T", "loss", "B T", "kept", "B T");

    private final List<String> names = new ArrayList<>();

    /** The names of a model of the shape {@code config}. */
    public ActivationNames(Gpt2Config config) {
        List<String> inBlock = SHAPES.keySet().stream().filter(n -> n.startsWith("blocks.")).toList();
        for (String name : SHAPES.keySet()) {
            if (!inBlock.contains(name)) {
                names.add(name);
            } else if (name.equals(inBlock.getFirst())) {
                for (int i = 0; i < config.nLayer(); i++) {
                    String block = "blocks." + i + ".";
                    inBlock.forEach(n -> names.add(n.replace("blocks.N.", block)));
                }
            }
        }
    }

    private static Map<String, String> shapes(String... pairs) {
        Map<String, String> shapes = new LinkedHashMap<>();
        for (int i = 0; i < pairs.length; i += 2) {
            shapes.put(pairs[i], "(" + pairs[i + 1].replace(" ", ", ") + ")");
        }
        return shapes;
    }

    /** All names, in order of computation. */
    public List<String> all() {
        return List.copyOf(names);
    }

    /** The shape of {@code name} in letters, for example {@code (B, H, T, T)}. */
    public static String shape(String name) {
        String shape = SHAPES.get(canonical(withoutGradient(name)).replaceFirst("^blocks\\.\\d+\\.", "blocks.N."));
        if (shape == null) {
            throw new UserError("no activation is called " + name);
        }
        return shape;
    }

    /** True for {@code NAME.grad}. */
    public static boolean isGradient(String name) {
        return name.endsWith(GRADIENT);
    }

    static String withoutGradient(String name) {
        return isGradient(name) ? name.substring(0, name.length() - GRADIENT.length()) : name;
    }

    /** Whether {@code kind} has a gradient: {@code entropy} and {@code kept} are constants to the backward pass. */
    static boolean hasGradient(String name) {
        return !name.equals("entropy") && !name.equals("kept");
    }

    /** The spelling used here: {@code blocks.0.attn.hook_q} and {@code blocks.0.ln1.hook_normalized} become ours. */
    public static String canonical(String name) {
        return name.replace(".hook_normalized", "").replace("hook_attn_scores", "scores").replace("hook_", "")
                .replace("unembed.out", "logits");
    }

    /**
     * The names that {@code glob} matches, where {@code *} stands for any characters. It matches gradients if it ends in
     * {@code .grad}, and values if not.
     *
     * @throws UserError if it matches none
     */
    public List<String> matching(String glob) {
        List<String> found = matching(glob, names);
        if (found.isEmpty()) {
            throw new UserError("no activation is called " + glob + ". Names are, for example, " + names.get(2) + ", "
                    + names.get(10) + ", "
                    + "logits; * stands for any characters, and .grad at the end for the gradient");
        }
        return found;
    }

    /** {@link #matching(String)} among {@code all}; empty if there is none. */
    static List<String> matching(String glob, List<String> all) {
        boolean gradient = isGradient(glob);
        Pattern pattern = Pattern.compile(
                Pattern.quote(withoutGradient(canonical(glob))).replace("*", "\\E.*\\Q"), Pattern.DOTALL);
        return all.stream().filter(n -> pattern.matcher(n).matches() && (!gradient || hasGradient(n)))
                .map(n -> gradient ? n + GRADIENT : n).toList();
    }
}
