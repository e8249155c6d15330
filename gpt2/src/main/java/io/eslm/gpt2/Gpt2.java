// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2;

import io.eslm.autograd.Op;
import io.eslm.autograd.Parameter;
import io.eslm.autograd.Tape;
import io.eslm.autograd.Variable;
import io.eslm.autograd.op.Affine;
import io.eslm.autograd.op.CausalAttention;
import io.eslm.autograd.op.HeadCrossEntropy;
import io.eslm.autograd.op.LayerNorm;
import io.eslm.autograd.op.TokenEmbedding;
import io.eslm.tensor.Checks;
import io.eslm.tensor.DType;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Backend;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.IntStream;

/**
 * GPT-2 (Radford et al. 2019), as Hugging Face computes it: learned positions, pre-norm blocks, gelu_new, and a head tied to
 * the token embedding; {@link Gpt2Config} has its variants. Activations are (B·T, C) matrices, row b·T + t.
 *
 * <p>Dimensions: B windows, T tokens in each, C width, V vocabulary, L blocks, NH heads of size HS; M = B·T tokens.
 */
public final class Gpt2 extends HookedModule {
    private final Gpt2Config config;
    private final Backend backend;
    final Parameter tokens;
    final Parameter positions;
    final List<Block> blocks;
    final Parameter[] norm;
    private final Parameter head;
    /** The token that ends a document, if documents are separated. */
    private OptionalInt separator = OptionalInt.empty();
    private boolean keptBackward;

    /** @throws UserError if {@code config} cannot be built, see {@link Gpt2Config#check} */
    public Gpt2(Gpt2Config config, Backend backend, Weights weights) {
        super(config, weights);
        int c = config.nEmbd();
        this.config = config.check();
        this.backend = backend;
        tokens = load(weights, "tokens.weight", config.vocabSize(), c);
        positions = load(weights, "positions.weight", config.blockSize(), c);
        blocks = parts("blocks", IntStream.range(0, config.nLayer())
                .mapToObj(i -> new Block(config, weights, i)).toList());
        norm = layer(weights, "finalNorm", c);
        head = config.tied() ? tokens : load(weights, "head.weight", config.vocabSize(), c);
    }

    /** Its shape. */
    public Gpt2Config config() { return config; }

    @Override
    public Backend backend() { return backend; }

    /** The adapters that are trained in place of the weights, if there are any. */
    public Optional<LowRank> lowRank() {
        return Optional.ofNullable(lowRank);
    }

    /** The head (V, C): logits = hidden·weightᵀ. It is the token embedding, or a weight of its own. */
    public Parameter head() {
        return head;
    }

    /** ids (B, T) I32 → the residual stream before the first block, (B·T, C). */
    public Variable embed(Tape tape, Tensor ids) {
        return embed(tape, ids, 0);
    }

    Variable embed(Tape tape, Tensor ids, int firstPosition) {
        Checks.check(ids.dim(1) <= config.blockSize(), "gpt2", "%d positions exceed the model's %d positions",
                ids.dim(1), config.blockSize());
        Variable x = points == null ? tape.apply(new TokenEmbedding(ids, firstPosition), tokens, positions)
                : points.embedding(tape, ids, firstPosition, tokens, positions);
        return x.dropout(config.dropout());
    }

    /**
     * From now on, a token attends only to tokens of its own document: those after the last {@code end} before it in the window.
     * {@code end} is the last token of a document, and predicts the first one of the next. Positions count on through the window.
     * A {@link KeyValueCache} holds one document, so it reads everything.
     *
     * @param end empty: a token attends to all tokens before it
     */
    public void separateDocuments(OptionalInt end) { separator = end; }

    /** From now on, tokens whose loss has no gradient receive none through attention either, see {@link CausalAttention}. */
    public void keptBackward(boolean only) {
        keptBackward = only;
    }

    /** The token that ends a document, if documents are separated. */
    public OptionalInt separator() {
        return separator;
    }

    /** ids (B, T) I32 → where the document of each token starts in its window, (B·T) I32; null if documents are not separated. */
    public Tensor starts(Tape tape, Tensor ids) {
        return separator.isEmpty() ? null : Documents.starts(tape, ids, separator.getAsInt());
    }

    /** Block {@code i} on the residual stream x (B·T, C) → same shape; {@code starts} of the ids, see {@link #starts}. */
    public Variable block(int i, Variable x, int batch, Tensor starts) {
        double p = x.tape().dropoutRate(config.dropout());
        return block(i, x, new CausalAttention(batch, config.nHead(), p, p == 0 ? 0 : x.tape().nextSeed(), starts,
                keptBackward));
    }

    Variable block(int i, Variable x, Op attention) {
        return x.tape().scoped(() -> points == null ? blocks.get(i).forward(x, attention)
                : new HookedBlock(points, "blocks." + i + ".", blocks.get(i), config.nHead(), attention).forward(x));
    }

    /** The final layer normalisation of x (B·T, C) → same shape. */
    public Variable finalNorm(Variable x) {
        Variable y = x.apply(new LayerNorm(config.layerNormEps()), norm);
        return points == null ? y : points.at("ln_final", y);
    }

    /** ids (B, T) I32 → hidden states after the final norm, (B·T, C), for {@link #losses} or {@link #logits}. */
    public Variable forward(Tape tape, Tensor ids) {
        return tape.scoped(() -> {
            Variable x = embed(tape, ids);
            Tensor starts = starts(tape, ids);
            for (int i = 0; i < blocks.size(); i++) {
                x = block(i, x, ids.dim(0), starts);
            }
            return finalNorm(x);
        });
    }

    /** hidden (M, C) → logits (M, V). */
    public Variable logits(Variable hidden) {
        Variable y = hidden.matmulTransposed(head);
        return points == null ? y : points.at("logits", y);
    }

    /** {@link TokenLosses#of} with this model's head; hidden (M, C) after the final norm, targets (M) I32. */
    public TokenLosses losses(Variable hidden, Tensor targets) {
        return points == null ? TokenLosses.of(hidden, head, targets) : points.losses(hidden, head, targets);
    }

    /** True if somebody looks inside. */
    public boolean isHooked() { return points != null; }

    /**
     * One pre-norm transformer block (GPT-2 paper §2.3): h = x + attention(norm(x)), then h + mlp(norm(h)). It applies the fused
     * ops to its weights itself; each layer is a pair of weight and bias, with the two matrices of its adapter after them if it
     * has one. What GPT-2 does not have is in {@link Variants}.
     */
    static final class Block extends LayeredModule {
        final LayerNorm norm;
        final Parameter[] attentionNorm;
        final Parameter[] qkv;
        final Parameter[] projection;
        final Parameter[] mlpNorm;
        final Parameter[] up;
        final Parameter[] down;
        final double dropout;
        /** In place of gelu_new; else null. */
        final Op activation;
        /** (3C): what the columns of qkv are multiplied with; null if nothing. */
        final Tensor scale;

        Block(Gpt2Config config, Weights weights, int index) {
            super(config, weights, "blocks." + index + ".");
            int c = config.nEmbd();
            norm = new LayerNorm(config.layerNormEps());
            attentionNorm = layer(weights, "attentionNorm", c);
            qkv = layer(weights, "attention.qkv", c, 3 * c);
            projection = layer(weights, "attention.projection", c, c);
            mlpNorm = layer(weights, "mlpNorm", c);
            up = layer(weights, "mlp.up", c, config.nInner());
            down = layer(weights, "mlp.down", config.nInner(), c);
            dropout = config.dropout();
            boolean usual = config.values().get(Gpt2Config.ACTIVATION).equals(Gpt2Config.ACTIVATIONS.getFirst());
            activation = usual ? null : Variants.activation(config);
            double factor = config.attentionScale(index);
            scale = factor == 1 ? null : Variants.scaleOfQueries(factor, qkv[0].value());
        }

        /** What applies {@code linear}, a weight and a bias, and perhaps an adapter, to x. */
        Op affine(Variable x, Parameter[] linear, boolean gelu) {
            return linear.length == 2 ? new Affine(gelu) : lowRank.op(x.tape(), gelu);
        }

        /** x (B·T, C) → same shape; {@code attention} maps q, k and v side by side (B·T, 3C) to (B·T, C). */
        Variable forward(Variable x, Op attention) {
            Variable attended = scaled(linear(x.apply(norm, attentionNorm), qkv, false)).apply(attention);
            Variable h = addTo(x, attended, projection);
            Variable normed = h.apply(norm, mlpNorm);
            Variable hidden = activation == null ? linear(normed, up, true)
                    : linear(normed, up, false).apply(activation);
            return addTo(h, hidden, down);
        }

        private Variable linear(Variable x, Parameter[] linear, boolean gelu) {
            return x.apply(affine(x, linear, gelu), linear);
        }

        /** qkv (B·T, 3C) with the queries as attention takes them. */
        Variable scaled(Variable qkv) {
            return scale == null ? qkv : qkv.mul(qkv.tape().constant(scale));
        }

        /** residual + dropout(x·weight + bias); one pass where nothing is dropped. */
        Variable addTo(Variable residual, Variable x, Parameter[] linear) {
            return addTo(residual, x, linear, affine(x, linear, false));
        }

        Variable addTo(Variable residual, Variable x, Parameter[] linear, Op affine) {
            if (x.tape().dropoutRate(dropout) != 0) {
                return residual.add(x.apply(affine, linear).dropout(dropout));
            }
            return linear.length == 2 ? x.apply(affine, linear[0], linear[1], residual)
                    : x.apply(affine, linear[0], linear[1], linear[2], linear[3], residual);
        }
    }

    /**
     * Loss and predictive entropy of each of M tokens, in nats.
     *
     * @param loss (M), can be differentiated
     * @param lossValues (M), the values of {@code loss}
     * @param entropy (M), valid until the tape is reset
     */
    public record TokenLosses(Variable loss, float[] lossValues, Tensor entropy) {
        /**
         * Vocabulary head and cross-entropy in one op, see {@link HeadCrossEntropy}: logits = hidden·headᵀ,
         * loss_m = −log softmax(logits_m)[targets_m], entropy_m = −Σ_v p_mv log p_mv.
         *
         * @param hidden (M, C)
         * @param head (V, C)
         * @param targets (M) I32 in [0, V)
         */
        public static TokenLosses of(Variable hidden, Variable head, Tensor targets) {
            Tensor entropy = hidden.tape().memory(hidden.value().dtype(), targets.size());
            return of(hidden.tape().apply(new HeadCrossEntropy(targets, entropy), hidden, head), entropy);
        }

        static TokenLosses of(Variable loss, Tensor entropy) {
            return new TokenLosses(loss, floats(loss.value()), entropy);
        }

        /** A copy of the values of {@link #entropy}, (M). */
        public float[] entropyValues() { return floats(entropy); }

        private static float[] floats(Tensor x) {
            return x.dtype() == DType.F32 ? x.toFloats() : x.to(DType.F32).toFloats();
        }
    }
}
