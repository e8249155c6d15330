// SPDX-License-Identifier: Apache-2.0
package io.eslm.inspect;

import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.PretrainedNames;
import io.eslm.gpt2.inspect.ActivationNames;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** Lists the names of activations and parameters with their shapes. */
public final class NameTable {
    /** What the letters of a shape mean. */
    public static final String LETTERS =
            "B windows, T positions, C width, H heads of D dimensions, V token ids, P positions that the model has, N a block; "
                    + "NAME.grad is the gradient with respect to NAME, of the same shape";

    /** A parameter by its path in the first block or outside of the blocks, and its shape. */
    private static final Map<String,
            String> PARAMETERS = parameters("tokens.weight", "V, C", "positions.weight", "P, C",
                    "attentionNorm.weight", "C", "attentionNorm.bias", "C", "attention.qkv.weight", "C, 3C",
                    "attention.qkv.bias", "3C", "attention.projection.weight", "C, C", "attention.projection.bias", "C",
                    "mlpNorm.weight", "C", "mlpNorm.bias", "C", "mlp.up.weight", "C, 4C", "mlp.up.bias", "4C",
                    "mlp.down.weight", "4C, C", "mlp.down.bias", "C", "finalNorm.weight", "C", "finalNorm.bias", "C");
    private static final String ANY_BLOCK = "N";

    private NameTable() {
    }

    private static Map<String, String> parameters(String... pairs) {
        Map<String, String> shapes = new LinkedHashMap<>();
        for (int i = 0; i < pairs.length; i += 2) {
            boolean outside = pairs[i].startsWith("tokens") || pairs[i].startsWith("positions")
                    || pairs[i].startsWith("finalNorm");
            shapes.put(PretrainedNames.of((outside ? "" : "blocks.0.") + pairs[i]), "(" + pairs[i + 1] + ")");
        }
        return shapes;
    }

    /** Names and shapes of every GPT-2, in letters: {@link #LETTERS}. */
    public static Map<String, String> symbolic() {
        Map<String, String> all = new LinkedHashMap<>();
        new ActivationNames(Gpt2Config.of(1, 1, 1, 1)).all().forEach(
                name -> all.put(name.replace("blocks.0.", "blocks." + ANY_BLOCK + "."), ActivationNames.shape(name)));
        PARAMETERS.forEach((name, shape) -> all.put(name.replace(".h.0.", ".h." + ANY_BLOCK + "."), shape));
        return all;
    }

    /**
     * Names and shapes of a model, with its numbers.
     *
     * @param tokens of a text, which give T; without one B and T stay letters
     */
    public static Map<String, String> of(Gpt2Config model, Optional<int[]> tokens) {
        Map<String, String> all = new LinkedHashMap<>();
        new ActivationNames(model).all()
                .forEach(name -> all.put(name, numbers(ActivationNames.shape(name), model, tokens)));
        Map<Boolean, List<String>> inBlock =
                PARAMETERS.keySet().stream().collect(Collectors.partitioningBy(n -> n.contains(".h.0.")));
        Stream<String> blocks = IntStream.range(0, model.nLayer()).boxed()
                .flatMap(l -> inBlock.get(true).stream().map(n -> n.replace(".h.0.", ".h." + l + ".")));
        Stream.of(inBlock.get(false).stream().limit(2), blocks, inBlock.get(false).stream().skip(2))
                .flatMap(names -> names).filter(name -> model.bias() || !name.endsWith("bias"))
                .forEach(name -> all.put(name,
                        numbers(PARAMETERS.get(name.replaceFirst("\\.h\\.\\d+\\.", ".h.0.")), model, tokens)));
        if (!model.tied()) {
            all.put(PretrainedNames.HEAD, numbers("(V, C)", model, tokens));
        }
        return all;
    }

    private static String numbers(String shape, Gpt2Config model, Optional<int[]> tokens) {
        return Stream.of(shape.substring(1, shape.length() - 1).split(", ")).map(letter -> switch (letter) {
            case "B" -> tokens.isPresent() ? "1" : letter;
            case "T" -> tokens.map(ids -> String.valueOf(ids.length - 1)).orElse(letter);
            case "C" -> String.valueOf(model.nEmbd());
            case "3C" -> String.valueOf(3L * model.nEmbd());
            case "4C" -> String.valueOf(model.nInner());
            case "H" -> String.valueOf(model.nHead());
            case "D" -> String.valueOf(model.headSize());
            case "V" -> String.valueOf(model.vocabSize());
            case "P" -> String.valueOf(model.blockSize());
            default -> letter;
        }).collect(Collectors.joining(", ", "(", ")"));
    }
}
