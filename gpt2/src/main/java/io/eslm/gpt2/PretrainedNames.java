// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Maps our parameter paths to the tensor names of a Hugging Face GPT-2. Shapes and layouts are the same. */
public final class PretrainedNames {
    /** The start of every name that Hugging Face writes; readers accept names without it. */
    public static final String PREFIX = "transformer.";
    /** The start of every name of an adapter that PEFT writes. */
    public static final String ADAPTER_PREFIX = "base_model.model.";
    /** The head, if it is not the token embedding. */
    public static final String HEAD = "lm_head.weight";
    private static final Pattern IN_BLOCK = Pattern.compile("blocks\\.(\\d+)\\.(\\w+(?:\\.\\w+)?)\\.(weight|bias)");

    private PretrainedNames() {
    }

    /** {@code name} without {@link #PREFIX}. */
    public static String bare(String name) {
        return name.startsWith(PREFIX) ? name.substring(PREFIX.length()) : name;
    }

    /** {@code blocks.0.mlp.up.weight} → {@code transformer.h.0.mlp.c_fc.weight}; adapters as PEFT names them. */
    public static String of(String path) {
        if (LowRank.isAdapter(path)) {
            int end = path.length() - LowRank.A.length();
            return ADAPTER_PREFIX
                    + of(path.substring(0, end) + ".weight").replaceFirst("\\.weight$", path.substring(end));
        }
        Matcher m = IN_BLOCK.matcher(path);
        if (m.matches()) {
            String inBlock = switch (m.group(2)) {
                case "attentionNorm" -> "ln_1";
                case "attention.qkv" -> "attn.c_attn";
                case "attention.projection" -> "attn.c_proj";
                case "mlpNorm" -> "ln_2";
                case "mlp.up" -> "mlp.c_fc";
                case "mlp.down" -> "mlp.c_proj";
                default -> throw new IllegalArgumentException("no parameter is called " + path);
            };
            return PREFIX + "h." + m.group(1) + "." + inBlock + "." + m.group(3);
        }
        return path.equals("head.weight") ? HEAD : PREFIX + switch (path) {
            case "tokens.weight" -> "wte.weight";
            case "positions.weight" -> "wpe.weight";
            case "finalNorm.weight" -> "ln_f.weight";
            case "finalNorm.bias" -> "ln_f.bias";
            default -> throw new IllegalArgumentException("no parameter is called " + path);
        };
    }
}
