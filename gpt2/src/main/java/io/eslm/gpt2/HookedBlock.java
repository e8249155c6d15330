// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2;

import io.eslm.autograd.Op;
import io.eslm.autograd.Parameter;
import io.eslm.autograd.Tape;
import io.eslm.autograd.Variable;
import io.eslm.autograd.op.Affine;
import io.eslm.autograd.op.CausalAttention;
import io.eslm.autograd.op.Dropout;
import io.eslm.autograd.op.basic.LowRankAffine;
import io.eslm.autograd.op.basic.ScaledDotProduct;
import io.eslm.gpt2.Gpt2.Block;
import io.eslm.tensor.Shape;
import io.eslm.tensor.Tensor;
import java.util.function.UnaryOperator;

/**
 * {@link Block#forward} with a name at each activation. It applies the same fused ops; where a hook replaces a value inside one, it
 * applies the simple ops that the fused one must equal.
 */
final class HookedBlock {
    private final HookPoints points;
    private final String path;
    private final Block block;
    private final int heads;
    private final Op attention;

    /** @param path {@code blocks.N.} */
    HookedBlock(HookPoints points, String path, Block block, int heads, Op attention) {
        this.points = points;
        this.path = path;
        this.block = block;
        this.heads = heads;
        this.attention = attention;
    }

    Variable forward(Variable in) {
        Variable x = at("resid_pre", in);
        Variable normed = at("ln1", x.apply(block.norm, block.attentionNorm));
        Variable attended = attended(normed.apply(block.affine(normed, block.qkv, false), block.qkv));
        Variable z = points.at(path + "attn.z", attended, byHead(attended));
        Variable h = at("resid_mid", addTo("attn_out", x, z, block.projection));
        Variable hidden = at("mlp.post", hidden(at("ln2", h.apply(block.norm, block.mlpNorm))));
        return at("resid_post", addTo("mlp_out", h, hidden, block.down));
    }

    private Variable at(String name, Variable x) {
        return points.at(path + name, x);
    }

    /** (B, T, H, D) for a (B·T, C) matrix. */
    private Shape byHead(Variable x) {
        return points.shape(x.shape().rows(), heads, x.shape().cols() / heads);
    }

    // ---- attention

    /** qkv (B·T, 3C) → (B·T, C). */
    private Variable attended(Variable fused) {
        Variable qkv = fused;
        if (points.replaces(path + "attn.q", path + "attn.k", path + "attn.v")) {
            qkv = Variable.concat(-1, part("attn.q", fused, 0), part("attn.k", fused, 1), part("attn.v", fused, 2));
        } else {
            showPart("attn.q", qkv, 0);
            showPart("attn.k", qkv, 1);
            showPart("attn.v", qkv, 2);
        }
        qkv = block.scaled(qkv);
        boolean replaced = points.replaces(path + "attn.scores", path + "attn.pattern");
        boolean read = points.reads(path + "attn.scores", path + "attn.pattern", path + "attn.scores.grad",
                path + "attn.pattern.grad");
        if (!replaced && !read) {
            return qkv.apply(attention);
        }
        if (!(attention instanceof CausalAttention causal)) {
            throw new UnsupportedOperationException(path + "attn.scores and attn.pattern: a pass that continues a "
                    + "key-value cache does not have them; run the whole text at once");
        }
        if (replaced && causal.keptOnly()) {
            throw new UnsupportedOperationException(
                    path + "attn.scores and attn.pattern: cannot be replaced in a training "
                            + "whose backward pass keeps to the kept tokens; train without kept backward");
        }
        if (replaced) {
            return composed(causal, qkv);
        }
        Variable z = qkv.apply(attention);
        showPattern(causal, qkv.value(), z);
        return z;
    }

    private Variable part(String name, Variable qkv, int i) {
        Variable part = part(qkv, i);
        return points.at(path + name, part, byHead(part));
    }

    /** q, k or v (i = 0, 1, 2), (B·T, C). */
    private static Variable part(Variable qkv, int i) {
        int width = qkv.shape().cols() / 3;
        return qkv.slice(-1, i * width, (i + 1) * width);
    }

    private void showPart(String name, Variable qkv, int i) {
        Shape named = points.shape(qkv.shape().rows(), heads, qkv.shape().cols() / 3 / heads);
        points.beside(path + name, named, t -> part(t.constant(qkv.value()), i));
        points.gradient(path + name, qkv, named, dqkv -> {
            try (Tape tape = points.evaluation()) {
                return part(tape.constant(dqkv), i).value().to(dqkv.backend());
            }
        });
    }

    /** {@link CausalAttention} in simple ops. */
    private Variable composed(CausalAttention op, Variable qkv) {
        Variable scores = scores(op, qkv);
        scores = points.at(path + "attn.scores", scores, scores.shape());
        Variable pattern = scores.softmax();
        return weighted(op, points.at(path + "attn.pattern", pattern, pattern.shape()), qkv);
    }

    /** q·kᵀ/√D, −∞ for later positions and other documents, of queries after {@link Block#scaled}: (B, H, T, T). */
    private Variable scores(CausalAttention op, Variable qkv) {
        return ScaledDotProduct.causalScores(qkv.tape(), heads(op, qkv, 0), heads(op, qkv, 1), op.starts());
    }

    /** The values, weighted by the pattern: (B·T, C). */
    private Variable weighted(CausalAttention op, Variable pattern, Variable qkv) {
        Variable weights = op.dropout() == 0 ? pattern : pattern.apply(new Dropout(op.dropout(), op.seed()));
        return weights.matmul(heads(op, qkv, 2)).permute(0, 2, 1, 3).reshape(qkv.shape().rows(), -1);
    }

    /** q, k or v by head: (B, H, T, D). */
    private Variable heads(CausalAttention op, Variable qkv, int i) {
        Variable part = part(qkv, i);
        return part.reshape(op.batch(), -1, heads, part.shape().cols() / heads).permute(0, 2, 1, 3);
    }

    private void showPattern(CausalAttention op, Tensor qkv, Variable z) {
        int time = qkv.dim(0) / op.batch();
        Shape named = Shape.of(op.batch(), heads, time, time);
        points.beside(path + "attn.scores", named, t -> scores(op, t.constant(qkv)));
        points.beside(path + "attn.pattern", named, t -> scores(op, t.constant(qkv)).softmax());
        UnaryOperator<Tensor> ofPattern = dz -> {
            try (Tape tape = points.evaluation()) {
                Tensor pattern = scores(op, tape.constant(qkv)).softmax().value();
                return points.gradientThrough(x -> weighted(op, x, x.tape().constant(qkv)), pattern, dz);
            }
        };
        points.gradient(path + "attn.pattern", z, named, ofPattern);
        points.gradient(path + "attn.scores", z, named, dz -> {
            try (Tape tape = points.evaluation()) {
                return points.gradientThrough(Variable::softmax, scores(op, tape.constant(qkv)).value(),
                        ofPattern.apply(dz));
            }
        });
    }

    // ---- projections

    /** {@link Block#addTo}, with the branch itself at {@code name}. */
    private Variable addTo(String name, Variable residual, Variable x, Parameter[] linear) {
        Op affine = block.affine(x, linear, false);
        boolean dropped = x.tape().dropoutRate(block.dropout) != 0;
        if (dropped || points.replaces(path + name)) {
            return residual.add(at(name, x.apply(affine, linear).dropout(block.dropout)));
        }
        Variable sum = block.addTo(residual, x, linear, affine);
        Shape named = points.shape(sum.shape().rows(), sum.shape().cols());
        points.beside(path + name, named, t -> t.constant(x.value()).apply(affine, linear));
        points.gradient(path + name, sum, named, UnaryOperator.identity());
        return sum;
    }

    /** gelu(x·w + b), or another activation, with x·w + b at {@code mlp.pre}. */
    private Variable hidden(Variable x) {
        String name = path + "mlp.pre";
        Op fused = block.affine(x, block.up, true);
        Op affine = fused instanceof LowRankAffine adapted ? adapted.withoutGelu() : new Affine();
        if (block.activation != null) {
            return points.at(name, x.apply(affine, block.up)).apply(block.activation);
        }
        if (points.replaces(name)) {
            return points.at(name, x.apply(affine, block.up)).gelu();
        }
        Variable hidden = x.apply(fused, block.up);
        Shape named = points.shape(hidden.shape().rows(), hidden.shape().cols());
        points.beside(name, named, t -> t.constant(x.value()).apply(affine, block.up));
        points.gradient(name, hidden, named, dy -> {
            try (Tape tape = points.evaluation()) {
                return points.gradientThrough(Variable::gelu,
                        tape.constant(x.value()).apply(affine, block.up).value(), dy);
            }
        });
        return hidden;
    }
}
