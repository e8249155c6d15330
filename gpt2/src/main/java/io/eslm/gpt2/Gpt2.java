// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2;

import io.eslm.autograd.Parameter;
import io.eslm.autograd.Tape;
import io.eslm.autograd.Variable;
import io.eslm.autograd.nn.LayerNorm;
import io.eslm.autograd.nn.Linear;
import io.eslm.autograd.nn.Module;
import io.eslm.autograd.op.MatMul;
import io.eslm.autograd.op.TokenEmbedding;
import io.eslm.tensor.Checks;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.Backend;
import java.util.List;
import java.util.stream.IntStream;

/**
 * GPT-2 (Radford et al. 2019), exactly as Hugging Face computes it: learned positions, pre-norm blocks, gelu_new, and a head
 * tied to the token embedding. Activations are (B·T, C) matrices, row b·T + t.
 */
public final class Gpt2 extends Module {
    private final Gpt2Config config;
    private final Backend backend;
    private final Parameter tokens;
    private final Parameter positions;
    private final List<Block> blocks;
    private final LayerNorm finalNorm;

    public Gpt2(Gpt2Config config, Backend backend, Weights weights) {
        int c = config.nEmbd();
        this.config = config;
        this.backend = backend;
        tokens = parameter("tokens.weight", new Parameter(weights.load("tokens.weight", config.vocabSize(), c)));
        positions = parameter("positions.weight",
                new Parameter(weights.load("positions.weight", config.blockSize(), c)));
        blocks = parts("blocks", IntStream.range(0, config.nLayer())
                .mapToObj(i -> new Block(config, weights, "blocks." + i + ".")).toList());
        finalNorm = part("finalNorm", norm(config, weights, "finalNorm"));
    }

    public Gpt2Config config() {
        return config;
    }

    public Backend backend() {
        return backend;
    }

    /** The token embedding (V, C), which is also the head: logits = hidden·weightᵀ. */
    public Parameter head() {
        return tokens;
    }

    /** ids (B, T) → the residual stream before the first block, (B·T, C). */
    public Variable embed(Tape tape, Tensor ids) {
        Checks.check(ids.dim(1) <= config.blockSize(), "gpt2", "%d positions, but the model has %d (n_positions)",
                ids.dim(1),
                config.blockSize());
        return tape.apply(new TokenEmbedding(ids, 0), tokens, positions).dropout(config.dropout());
    }

    /** Block {@code i} on the residual stream x (B·T, C). */
    public Variable block(Tape tape, int i, Variable x, int batch) {
        return tape.scoped(() -> blocks.get(i).forward(tape, x, batch));
    }

    /** The final layer normalisation of x (B·T, C). */
    public Variable finalNorm(Tape tape, Variable x) {
        return finalNorm.forward(x);
    }

    /** ids (B, T) I32 → hidden states after the final norm, (B·T, C); the head is left to the caller. */
    public Variable forward(Tape tape, Tensor ids) {
        return tape.scoped(() -> {
            Variable x = embed(tape, ids);
            for (int i = 0; i < blocks.size(); i++) {
                x = block(tape, i, x, ids.dim(0));
            }
            return finalNorm(tape, x);
        });
    }

    /** hidden (M, C) → logits (M, V). */
    public Variable logits(Tape tape, Variable hidden) {
        return tape.apply(new MatMul(false, true), hidden, tokens);
    }

    /** An empty cache for {@code batch} sequences of at most {@code capacity} positions. */
    public KeyValueCache newCache(int batch, int capacity) {
        Checks.check(capacity <= config.blockSize(), "gpt2",
                "a cache of %d positions, but the model has %d (n_positions)",
                capacity, config.blockSize());
        return new KeyValueCache(config, backend, batch, capacity);
    }

    /**
     * Generation: hidden states (B·T, C) after the final norm of new positions ids (B, T), whose keys and values are added to
     * the cache. Takes an evaluation tape.
     */
    public Variable forward(Tape tape, Tensor ids, KeyValueCache cache) {
        int time = ids.dim(1);
        Checks.check(cache.length() + time <= cache.capacity(), "gpt2",
                "%d new positions do not fit a cache of %d that holds %d",
                time, cache.capacity(), cache.length());
        Variable y = tape.scoped(() -> {
            Variable x = tape.apply(new TokenEmbedding(ids, cache.length()), tokens, positions);
            for (int i = 0; i < blocks.size(); i++) {
                int layer = i;
                Variable in = x;
                x = tape.scoped(() -> blocks.get(layer).forward(tape, in, cache, layer));
            }
            return finalNorm.forward(x);
        });
        cache.advance(time);
        return y;
    }

    static Linear linear(Weights weights, String path, int in, int out) {
        return new Linear(weights.load(path + ".weight", in, out), weights.load(path + ".bias", out));
    }

    static LayerNorm norm(Gpt2Config config, Weights weights, String path) {
        return new LayerNorm(weights.load(path + ".weight", config.nEmbd()),
                weights.load(path + ".bias", config.nEmbd()),
                config.layerNormEps());
    }

    /** residual + dropout(linear(x)); one pass where nothing is dropped. */
    static Variable addTo(Tape tape, Variable residual, Linear linear, Variable x, double dropout) {
        return tape.dropoutRate(dropout) == 0 ? linear.forward(x, residual)
                : residual.add(linear.forward(x).dropout(dropout));
    }
}
