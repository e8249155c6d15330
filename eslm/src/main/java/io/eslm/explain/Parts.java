// SPDX-License-Identifier: Apache-2.0
package io.eslm.explain;

import io.eslm.autograd.OpContext;
import io.eslm.autograd.op.HeadCrossEntropy;
import io.eslm.autograd.op.HeadDistillation;
import io.eslm.autograd.op.TokenEmbedding;
import io.eslm.gpt2.Gpt2;
import io.eslm.tensor.Tensor;
import java.util.IdentityHashMap;
import java.util.Map;

/**
 * Says which part of a model an op belongs to, by the parameters that it reads: an op with {@code blocks.3.mlp.up.weight} is of
 * {@code blocks.3.mlp.up}. An op without parameters belongs to what its newest input belongs to, one level up: attention, which
 * reads the output of {@code blocks.3.attention.qkv}, is of {@code blocks.3.attention}.
 */
final class Parts {
    /** Of ops that no parameter places: what an objective does with the losses. */
    static final String OBJECTIVE = "objective";

    private final Map<Tensor, String> paths = new IdentityHashMap<>();

    /** Learns the parameters of {@code model}. */
    void add(Gpt2 model) {
        model.parameters().forEach((path, p) -> paths.put(p.value(), path));
    }

    /** The path of a parameter; null for another tensor. */
    String path(Tensor t) {
        return paths.get(t);
    }

    /** @param newest the op that made the newest of its inputs; null if none did */
    String of(OpContext op, OpRecord newest) {
        switch (op.op()) {
            case TokenEmbedding _ -> {
                return "embedding";
            }
            case HeadCrossEntropy _,HeadDistillation _ -> {
                return "head";
            }
            default -> {
            }
        }
        for (int i = 0; i < op.inputCount(); i++) {
            String path = paths.get(op.input(i));
            if (path != null) {
                return parent(path);
            }
        }
        String part = newest == null ? "" : newest.weights().isEmpty() ? newest.part() : parent(newest.part());
        return part.isEmpty() ? OBJECTIVE : part;
    }

    private static String parent(String path) {
        return path.substring(0, Math.max(0, path.lastIndexOf('.')));
    }
}
