// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2;

import io.eslm.autograd.Op;
import io.eslm.autograd.Tape;
import io.eslm.autograd.op.basic.LowRankAffine;
import io.eslm.tensor.DType;
import io.eslm.tensor.Rng;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Backend;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * Low-rank adapters (Hu et al. 2021, LoRA) of a model whose own weights stay as they are: the weight W (in, out) of a linear layer acts
 * as W + α/r·(B·A)ᵀ, and only A (r, in) and B (out, r) are trained.
 *
 * @param rank r
 * @param alpha α
 * @param dropout rate of the inputs that an adapter does not see in training, in [0, 1)
 * @param targets which layers have an adapter: ends of their names in Hugging Face's files, like {@code c_attn} or {@code mlp.c_proj}
 * @param base the model that is adapted; empty if it lies in no file
 */
public record LowRank(int rank, double alpha, double dropout, List<String> targets, Optional<Base> base) {
    /** The linear layers of a block. */
    public static final List<String> LAYERS = List.of("attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj");
    /** End of the path of A. */
    public static final String A = ".lora_A.weight";
    /** End of the path of B. */
    public static final String B = ".lora_B.weight";
    private static final String WEIGHT = ".weight";

    /**
     * A model in a file.
     *
     * @param path of the folder or file
     * @param hash of its weights
     */
    public record Base(Path path, String hash) {
    }

    public LowRank {
        targets = List.copyOf(targets);
    }

    /** These adapters, of {@code model}. */
    public LowRank of(Base model) {
        return new LowRank(rank, alpha, dropout, targets, Optional.of(model));
    }

    /** α/r. */
    public double scale() {
        return alpha / rank;
    }

    /** @throws UserError if a target names no layer of a model of that shape; it names the target */
    public void check(Gpt2Config config) {
        UserError.check(!targets.isEmpty(), "none: name at least one of c_attn, c_proj, c_fc");
        for (String target : targets) {
            boolean found = false;
            for (int i = 0; i < config.nLayer() && !found; i++) {
                String block = PretrainedNames.PREFIX + "h." + i + ".";
                found = LAYERS.stream().anyMatch(layer -> isEnd(target, block + layer));
            }
            if (!found) {
                throw new UserError(
                        "'" + target + "' names no linear layer. Choose from c_attn, c_proj, c_fc; attn.c_proj and "
                                + "mlp.c_proj are the two called c_proj, and h.0.mlp.c_fc is that of the first block");
            }
        }
    }

    private static boolean isEnd(String target, String name) {
        return name.equals(target) || name.endsWith("." + target);
    }

    /** True if the layer at {@code path}, for example {@code blocks.0.mlp.up}, has an adapter. */
    boolean adapts(String path) {
        String name = PretrainedNames.of(path + WEIGHT);
        return adaptsLayer(name.substring(0, name.length() - WEIGHT.length()));
    }

    /** True if a layer has an adapter that Hugging Face's files call {@code layer}, for example {@code transformer.h.0.mlp.c_fc}. */
    public boolean adaptsLayer(String layer) {
        return LAYERS.stream().anyMatch(l -> isEnd(l, layer)) && targets.stream().anyMatch(t -> isEnd(t, layer));
    }

    /** Values of all adapters of a model of that shape: (in + out)·r each. */
    public long parameterCount(Gpt2Config config) {
        long c = config.nEmbd();
        long count = 0;
        for (int i = 0; i < config.nLayer(); i++) {
            String block = "blocks." + i + ".";
            count += (adapts(block + "attention.qkv") ? 4 * c : 0)
                    + (adapts(block + "attention.projection") ? 2 * c : 0)
                    + (adapts(block + "mlp.up") ? c + config.nInner() : 0)
                    + (adapts(block + "mlp.down") ? c + config.nInner() : 0);
        }
        return count * rank;
    }

    /** What an adapted layer applies to x, weight, bias, A and B, and perhaps a residual. */
    Op op(Tape tape, boolean gelu) {
        double p = tape.dropoutRate(dropout);
        return new LowRankAffine(scale(), gelu, p, p == 0 ? 0 : tape.nextSeed());
    }

    /** The weights of {@code model}, which stay as they are, with these adapters, whose values are those of {@code adapters}. */
    public Weights on(Weights model, Weights adapters) {
        return new Weights() {
            @Override
            public Tensor load(String path, int... dims) {
                return (isAdapter(path) ? adapters : model).load(path, dims);
            }

            @Override
            public LowRank lowRank() {
                return LowRank.this;
            }
        };
    }

    /** True for the paths of A and B. */
    public static boolean isAdapter(String path) {
        return path.endsWith(A) || path.endsWith(B);
    }

    /**
     * First values of adapters, F32, as PEFT has them: A uniform in ±1/√in, which is Kaiming's bound with a = √5, and B 0. The adapted
     * model then computes what the model does.
     */
    public static Weights initial(Backend backend, Rng rng) {
        return (path, dims) -> {
            Tensor t = Tensor.zeros(backend, DType.F32, dims);
            if (path.endsWith(A)) {
                Rng own = rng.split(path);
                double bound = 1 / Math.sqrt(dims[1]);
                float[] values = new float[t.size()];
                for (int i = 0; i < values.length; i++) {
                    values[i] = (float) (bound * (2 * own.nextDouble() - 1));
                }
                backend.write(t.storage(), values, 0, values.length);
            }
            return t;
        };
    }
}
