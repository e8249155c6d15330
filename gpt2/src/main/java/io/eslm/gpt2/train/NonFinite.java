// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.train;

import io.eslm.autograd.Parameter;
import io.eslm.autograd.Tape;
import io.eslm.autograd.Variable;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.train.MicroBatch.Loss;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.Storage;
import io.eslm.tensor.backend.Workspace;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.stream.DoubleStream;

/** Finds NaNs and infinities, and explains a run that diverged: the step, and the first layer that has one. */
public final class NonFinite {
    private static final int CHUNK = 1 << 16;

    private NonFinite() {
    }

    /**
     * Checks what a checkpoint would store, with all cores: one pass over weights and moments.
     *
     * @throws DivergedError if a weight or a moment is not finite; it names the tensor
     */
    public static void check(Trainer trainer) {
        Map<String, Tensor> all = new LinkedHashMap<>();
        trainer.model().parameters().forEach((path, p) -> all.put("the weights of " + path, p.value()));
        trainer.optimizer().state().forEach((kind, tensors) -> tensors
                .forEach((path, t) -> all.put("the numbers of the optimizer's " + kind + " of " + path, t)));
        first(all).ifPresent(name -> {
            throw new DivergedError(trainer.step(), name + " are not finite, so there is nothing worth saving");
        });
    }

    /** The name of the first of {@code tensors}, of one type and backend, that has a NaN or an infinity; empty if none has. */
    public static Optional<String> first(Map<String, Tensor> tensors) {
        Tensor any = tensors.values().iterator().next();
        Tensor sum = Tensor.zeros(any.backend(), any.dtype(), 1);
        Storage[] storages = tensors.values().stream().map(Tensor::storage).toArray(Storage[]::new);
        int[] sizes = tensors.values().stream().mapToInt(Tensor::size).toArray();
        any.backend().kernels().addSumOfSquares(sum.storage(), storages, sizes);
        if (Double.isFinite(sum.item())) {
            return Optional.empty();
        }
        // Else one is not finite, or the sum overflows.
        return tensors.entrySet().stream().filter(t -> !finite(t.getValue())).map(Map.Entry::getKey).findFirst();
    }

    /** @param inputs (batch, T) token ids, row by row */
    static DivergedError loss(Loss loss, long step, Gpt2 model, int[] inputs, int batch,
            Workspace workspace) {
        return new DivergedError(step, "the loss is " + loss.lossSum() / loss.tokens() + "; "
                + firstLayer(model, inputs, batch, workspace));
    }

    static DivergedError gradient(double norm, long step, Gpt2 model) {
        return gradient(norm, step, model.parameters().entrySet().stream()
                .filter(p -> p.getValue().needsGradient() && !finite(p.getValue().gradient())).map(Map.Entry::getKey)
                .findFirst());
    }

    /** @param first path of the first parameter whose gradient is not finite */
    static DivergedError gradient(double norm, long step, Optional<String> first) {
        return new DivergedError(step, "the gradient norm is " + norm + "; "
                + first.map(path -> "the gradient of " + path + " is the first that is not finite")
                        .orElse("every gradient is finite, but their norm overflows"));
    }

    private static String firstLayer(Gpt2 model, int[] inputs, int batch, Workspace workspace) {
        for (Map.Entry<String, Parameter> p : model.parameters().entrySet()) {
            if (!finite(p.getValue().value())) {
                return "the weights of " + p.getKey() + " are the first that are not finite";
            }
        }
        try (Tape tape = Tape.evaluation(workspace)) {
            Tensor ids = tape.put(inputs, batch, inputs.length / batch);
            Tensor starts = model.starts(tape, ids);
            Variable x = model.embed(tape, ids);
            for (int i = 0; i < model.config().nLayer(); i++) {
                if (!finite(x.value())) {
                    return "the input of block " + i + " is the first that is not finite";
                }
                x = model.block(i, x, batch, starts);
            }
            return finite(x.value()) ? "every block is finite, but the final norm or the vocabulary head is not"
                    : "the output of block " + (model.config().nLayer() - 1) + " is not finite";
        }
    }

    static boolean finite(Tensor t) {
        double[] values = new double[Math.min(CHUNK, t.size())];
        for (int at = 0; at < t.size(); at += values.length) {
            int n = Math.min(values.length, t.size() - at);
            t.backend().read(t.backend().slice(t.storage(), at, n), values, 0, n);
            if (!DoubleStream.of(values).limit(n).allMatch(Double::isFinite)) {
                return false;
            }
        }
        return true;
    }
}
