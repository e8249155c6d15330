// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.format;

import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.PretrainedNames;
import io.eslm.tensor.Shape;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A kind of weight of a GPT-2.
 *
 * @param name as in Hugging Face's files, without prefix and block
 * @param inBlock if every block has one
 * @param rows outputs of a matrix, rows of a table; 0 for a vector
 * @param cols inputs of a matrix
 */
public record Part(String name, boolean inBlock, int rows, int cols) {
    /** The token embedding in full. */
    public static final String NAME_OF_EMBEDDING = PretrainedNames.PREFIX + "wte.weight";
    static final String EMBEDDING = "wte.weight";
    static final String POSITIONS = "wpe.weight";

    /** All kinds, in the order of a forward pass, and of llm.c's files. */
    public static List<Part> of(Gpt2Config config) {
        int c = config.nEmbd();
        int inner = config.nInner();
        List<Part> parts = new ArrayList<>();
        parts.add(new Part(EMBEDDING, false, config.vocabSize(), c));
        parts.add(new Part(POSITIONS, false, config.blockSize(), c));
        pair(parts, "ln_1", true, 0, c);
        pair(parts, "attn.c_attn", true, 3 * c, c);
        pair(parts, "attn.c_proj", true, c, c);
        pair(parts, "ln_2", true, 0, c);
        pair(parts, "mlp.c_fc", true, inner, c);
        pair(parts, "mlp.c_proj", true, c, inner);
        pair(parts, "ln_f", false, 0, c);
        if (!config.tied()) {
            parts.add(new Part(PretrainedNames.HEAD, false, config.vocabSize(), c));
        }
        return parts;
    }

    /** @param rows 0 for a norm of {@code cols} values */
    private static void pair(List<Part> parts, String name, boolean inBlock, int rows, int cols) {
        parts.add(new Part(name + ".weight", inBlock, rows, cols));
        parts.add(new Part(name + ".bias", inBlock, 0, rows == 0 ? cols : rows));
    }

    /** The shapes of all weights by their names, block by block, as Hugging Face's files have them. */
    public static Map<String, Shape> shapes(Gpt2Config config) {
        Map<String, Shape> shapes = new LinkedHashMap<>();
        List<Part> parts = of(config);
        for (Part part : parts) {
            if (!part.inBlock) {
                shapes.put(part.name(0), part.shape());
            }
        }
        for (int i = 0; i < config.nLayer(); i++) {
            for (Part part : parts) {
                if (part.inBlock) {
                    shapes.put(part.name(i), part.shape());
                }
            }
        }
        return shapes;
    }

    /** Its name, with that of block {@code i} if it is in one. */
    public String name(int i) {
        return name.equals(PretrainedNames.HEAD) ? name
                : PretrainedNames.PREFIX + (inBlock ? "h." + i + "." : "") + name;
    }

    /** If it is a matrix of a linear layer, which other programs store as (out, in). */
    boolean isMatrix() {
        return inBlock && rows > 0;
    }

    /** As Hugging Face's files have it. */
    Shape shape() {
        return rows == 0 ? Shape.of(cols) : isMatrix() ? Shape.of(cols, rows) : Shape.of(rows, cols);
    }

    /** As it is in files of others. */
    Shape storedShape() {
        return rows == 0 ? Shape.of(cols) : Shape.of(rows, cols);
    }

    /** How many there are. */
    int count(Gpt2Config config) {
        return inBlock ? config.nLayer() : 1;
    }
}
