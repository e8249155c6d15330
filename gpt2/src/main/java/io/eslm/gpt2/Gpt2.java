// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2;

import io.eslm.autograd.Op;
import io.eslm.autograd.Parameter;
import io.eslm.autograd.Tape;
import io.eslm.autograd.Variable;
import io.eslm.autograd.op.CausalAttention;
import io.eslm.autograd.op.HeadCrossEntropy;
import io.eslm.autograd.op.LayerNorm;
import io.eslm.autograd.op.TokenEmbedding;
import io.eslm.tensor.Checks;
import io.eslm.tensor.DType;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Backend;
import java.util.ArrayList;
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
public final class Gpt2 extends LayeredModule {
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
    /** Null if nobody looks. */
    private HookPoints points;

    /** @throws UserError if {@code config} cannot be built, see {@link Gpt2Config#check} */
    public Gpt2(Gpt2Config config, Backend backend, Weights weights) {
        super(config, weights, "");
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
    public Gpt2Config config() {
        return config;
    }

    /** The backend of its weights. */
    public Backend backend() {
        return backend;
    }

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
    public void separateDocuments(OptionalInt end) {
        separator = end;
    }

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

    /** Shows every activation of each pass to {@code hooks} from now on, until {@link #removeHooks}. */
    public void addHooks(Hooks hooks) {
        List<Hooks> all = new ArrayList<>(hooks());
        all.add(hooks);
        points = new HookPoints(backend, all);
    }

    /** Ends {@link #addHooks}. */
    public void removeHooks(Hooks hooks) {
        List<Hooks> all = new ArrayList<>(hooks());
        all.remove(hooks);
        points = all.isEmpty() ? null : new HookPoints(backend, all);
    }

    /** Those who look at this model now. */
    public List<Hooks> hooks() {
        return points == null ? List.of() : points.hooks();
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
        public float[] entropyValues() {
            return floats(entropy);
        }

        private static float[] floats(Tensor x) {
            return x.dtype() == DType.F32 ? x.toFloats() : x.to(DType.F32).toFloats();
        }
    }
}
