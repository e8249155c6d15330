// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2;

import io.eslm.autograd.Parameter;
import io.eslm.autograd.Tape;
import io.eslm.autograd.Variable;
import io.eslm.autograd.op.Gather;
import io.eslm.autograd.op.TokenEmbedding;
import io.eslm.autograd.op.basic.CrossEntropy;
import io.eslm.autograd.op.basic.Reshape;
import io.eslm.gpt2.Gpt2.TokenLosses;
import io.eslm.tensor.Checks;
import io.eslm.tensor.Shape;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.FlopCounter.Phase;
import io.eslm.tensor.backend.Workspace;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;

/**
 * The points at which a model shows its activations to {@link Hooks}. What is read does not change the run by one bit: values
 * that the fused ops do not keep are computed once more, beside it. What is replaced is computed in simple ops, up to the next
 * point, so gradients flow through what was put in.
 */
final class HookPoints {
    private static final String GRADIENT = ".grad";

    private final List<Hooks> hooks;
    private final Backend backend;
    /** Memory of what is computed beside the run. */
    private final Workspace aside;
    /** B and T of the pass that runs. */
    private int windows;
    private int time;

    HookPoints(Backend backend, List<Hooks> hooks) {
        this.backend = backend;
        this.hooks = List.copyOf(hooks);
        aside = new Workspace(backend);
    }

    List<Hooks> hooks() {
        return hooks;
    }

    boolean reads(String... names) {
        return hooks.stream().anyMatch(h -> Arrays.stream(names).anyMatch(h::reads));
    }

    boolean replaces(String... names) {
        return hooks.stream().anyMatch(h -> Arrays.stream(names).anyMatch(h::replaces));
    }

    /** (B, T, inner…) for M = B·T rows; (M, inner…) for the rows of chosen tokens. */
    Shape shape(int rows, int... inner) {
        int[] outer = rows == windows * time ? new int[] {windows, time} : new int[] {rows};
        return Shape.of(IntStream.concat(IntStream.of(outer), IntStream.of(inner)).toArray());
    }

    // ---- points

    /** {@code x} under the name {@code name}, in the shape of its rows. */
    Variable at(String name, Variable x) {
        return at(name, x, shape(x.shape().rows(), x.shape().cols()));
    }

    /** {@code x}, or what a hook puts in its place; shows its value and its gradient, in the shape {@code named}. */
    Variable at(String name, Variable x, Shape named) {
        Variable y = x;
        for (Hooks h : hooks) {
            if (h.replaces(name)) {
                Variable put = h.replace(name, y.reshape(named.dims()));
                Checks.check(put != null && put.shape().equals(named), name, "the replacement is %s, must be %s",
                        put == null ? "null" : put.shape(), named);
                y = put.reshape(x.shape().dims());
            }
        }
        show(name, y.value(), named);
        gradient(name, y, named, UnaryOperator.identity());
        return y;
    }

    /** Shows {@code value} under {@code name}. */
    void show(String name, Tensor value, Shape named) {
        for (Hooks h : hooks) {
            if (h.reads(name)) {
                h.read(name, value.reshape(named));
            }
        }
    }

    /** Shows {@code value}, which is computed beside the run if anybody looks. */
    void beside(String name, Shape named, Function<Tape, Variable> value) {
        if (reads(name)) {
            uncounted(() -> {
                try (Tape tape = evaluation()) {
                    show(name, value.apply(tape).value(), named);
                }
            });
        }
    }

    /** Shows the gradient of {@code name} when that of {@code y} arrives, of which it is a function. */
    void gradient(String name, Variable y, Shape named, UnaryOperator<Tensor> of) {
        if (reads(name + GRADIENT) && y.needsGradient()) {
            y.onGradient((dy, rows) -> uncounted(() -> {
                Tensor full = rows == null ? dy
                        : rows.expand(Tensor.zeros(backend, dy.dtype(), y.shape().dims()), dy);
                show(name + GRADIENT, of.apply(full), named);
            }));
        }
    }

    /** The gradient of Σ dy·f(x) with respect to x: what a fused op does inside, in simple ops. */
    Tensor gradientThrough(Function<Variable, Variable> f, Tensor x, Tensor dy) {
        Parameter leaf = new Parameter(x);
        try (Tape tape = Tape.withoutDropout(aside)) {
            Variable y = tape.apply(new Reshape(x.shape()), leaf);
            Variable z = f.apply(y);
            z.mul(tape.constant(dy.reshape(z.shape()))).sum().backward();
        }
        return leaf.gradient();
    }

    /** A tape for values beside the run. */
    Tape evaluation() {
        return Tape.evaluation(aside);
    }

    private void uncounted(Runnable body) {
        backend.flops().run(Phase.INSPECTION, body);
    }

    // ---- the model's ends

    /** ids (B, T) → (B·T, C): token and position embedding. */
    Variable embedding(Tape tape, Tensor ids, int from, Parameter tokens, Parameter positions) {
        windows = ids.dim(0);
        time = ids.dim(1);
        int[] where = IntStream.range(0, ids.size()).map(i -> from + i % time).toArray();
        Shape named = shape(ids.size(), tokens.shape().cols());
        if (replaces("embed", "pos_embed")) {
            Variable token = tape.apply(new Gather(ids), tokens);
            Variable position = tape.apply(new Gather(tape.put(where, where.length)), positions);
            return at("embed", token, named).add(at("pos_embed", position, named));
        }
        Variable x = tape.apply(new TokenEmbedding(ids, from), tokens, positions);
        beside("embed", named, t -> t.apply(new Gather(ids), tokens));
        beside("pos_embed", named, t -> t.apply(new Gather(t.put(where, where.length)), positions));
        gradient("embed", x, named, UnaryOperator.identity());
        gradient("pos_embed", x, named, UnaryOperator.identity());
        return x;
    }

    /** {@link TokenLosses#of}, with its logits at hand. */
    TokenLosses losses(Variable hidden, Parameter head, Tensor targets) {
        int rows = hidden.shape().rows();
        Shape named = shape(rows, head.shape().dim(0));
        TokenLosses losses;
        if (replaces("logits")) {
            Variable logits = at("logits", hidden.matmulTransposed(head), named);
            Tensor entropy = hidden.tape().memory(hidden.value().dtype(), rows);
            losses = TokenLosses.of(logits.apply(new CrossEntropy(targets, entropy)), entropy);
        } else {
            losses = TokenLosses.of(hidden, head, targets);
            beside("logits", named, t -> t.constant(hidden.value()).matmulTransposed(head));
            gradient("logits", losses.loss(), named, dLoss -> logitsGradient(hidden.value(), head, targets, dLoss));
        }
        show("entropy", losses.entropy(), shape(rows));
        return TokenLosses.of(at("loss", losses.loss(), shape(rows)), losses.entropy());
    }

    private Tensor logitsGradient(Tensor hidden, Parameter head, Tensor targets, Tensor dLoss) {
        try (Tape tape = evaluation()) {
            Tensor logits = tape.constant(hidden).matmulTransposed(head).value();
            return gradientThrough(x -> x.apply(new CrossEntropy(targets, x.tape().memory(hidden.dtype(),
                    targets.size()))), logits, dLoss);
        }
    }
}
