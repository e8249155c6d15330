// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.train;

import io.eslm.autograd.Rows;
import io.eslm.autograd.Tape;
import io.eslm.autograd.Variable;
import io.eslm.autograd.op.HeadCrossEntropy;
import io.eslm.autograd.op.WeightedSum;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.train.MicroBatch.Loss;
import io.eslm.tensor.DType;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Backend;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.BiFunction;
import java.util.function.Supplier;

/**
 * The losses of a step on a device that runs ahead of the host: they stay there until the gradients of all micro-batches are on their
 * way, and the host reads them once, for the log.
 *
 * <p>The device chooses the tokens by the same definition, and the host knows how many: M − k + 1 of M if the threshold is the k-th
 * smallest risk. More are kept where other risks equal the threshold. So the host makes the choice again from what it has read. If
 * it keeps another number, or a loss is not finite, the gradients are not those of the method: they must be computed anew with the
 * host choosing, which also finds what is wrong.
 */
public final class LaterLosses {
    /** A micro-batch: where its losses and entropies are in {@link #values}, −1 for none, and what the host chooses from them. */
    private record Entry(int losses, int entropies, int tokens, int kept,
            BiFunction<float[], float[], Selection> choice) {
    }

    private final Backend backend;
    private final List<Entry> entries = new ArrayList<>();
    private Tensor values;
    private int used;
    private boolean paused;

    LaterLosses(Backend backend) {
        this.backend = backend;
    }

    /** This, if a micro-batch of {@code model} may leave its losses here: nobody looks inside, and the device chooses; else null. */
    LaterLosses orNull(Gpt2 model) {
        return paused || model.isHooked() ? null : this;
    }

    /**
     * The mean loss over the tokens whose risk is at or above the {@code rank}-th smallest, chosen by the device that has them.
     * {@link #total} adds what to log about it.
     *
     * @param byEntropy true: the risk is the entropy; false: the loss
     * @param rank 1 keeps all tokens
     * @param choice the same choice by the host from the losses (M) and the entropies (M), which are the losses once more unless
     *     {@code byEntropy}; called at the end of the step
     */
    public Loss overTail(MicroBatch batch, boolean byEntropy, int rank,
            BiFunction<float[], float[], Selection> choice) {
        Tape tape = batch.tape();
        int tokens = batch.tokens();
        int kept = tokens - rank + 1;
        Tensor entropy = tape.memory(DType.F32, tokens);
        Variable loss = tape.apply(new HeadCrossEntropy(batch.targets(), entropy),
                batch.model().forward(tape, batch.ids()), batch.model().head());
        int losses = keep(loss.value());
        entries.add(new Entry(losses, byEntropy ? keep(entropy) : -1, tokens, kept, choice));
        Rows rows = null;
        if (kept < tokens) {
            Tensor indices = tape.memory(DType.I32, kept);
            backend.kernels().tail(indices.storage(), (byEntropy ? entropy : loss.value()).storage(), tokens, rank);
            rows = new Rows(indices, tokens);
        }
        Tensor weights = tape.memory(DType.F32, kept);
        // rounded as the weights of Selection
        backend.kernels().fill(weights.storage(), kept, (float) ((float) (1.0 / kept) * batch.share()));
        return new Loss(tape.apply(new WeightedSum(rows, weights), loss), 0, 0, 0, 0, 0, 0);
    }

    /** Copies {@code x} to the end of the values; returns where it is. */
    private int keep(Tensor x) {
        int n = x.size();
        if (values == null || values.size() < used + n) {
            Tensor larger = Tensor.zeros(backend, DType.F32, 2 * (used + n));
            if (used > 0) {
                backend.kernels().copy(larger.storage(), values.storage(), used);
            }
            values = larger;
        }
        backend.kernels().copy2d(values.storage(), used, n, x.storage(), 0, n, 1, n);
        used += n;
        return used - n;
    }

    /** {@code known}, the sum of what the micro-batches have told, and what is here; empty if the step must be taken anew. */
    Optional<Loss> total(Loss known) {
        float[] read = new float[used];
        if (used > 0) {
            backend.read(values.storage(), read, 0, used);
        }
        Loss sum = known;
        for (Entry e : entries) {
            float[] losses = Arrays.copyOfRange(read, e.losses, e.losses + e.tokens);
            Optional<Selection> selection = again(e, losses, read);
            if (selection.isEmpty()) {
                return Optional.empty();
            }
            sum = sum.plus(Loss.of(known.loss(), losses, selection.get()));
        }
        return Optional.of(sum);
    }

    private static Optional<Selection> again(Entry e, float[] losses, float[] read) {
        for (float loss : losses) {
            if (!Float.isFinite(loss)) {
                return Optional.empty();
            }
        }
        try {
            float[] entropies =
                    e.entropies < 0 ? losses : Arrays.copyOfRange(read, e.entropies, e.entropies + e.tokens);
            Selection selection = e.choice.apply(losses, entropies);
            return Optional.of(selection).filter(s -> s.kept() == e.kept);
        } catch (UserError notANumber) { // the host says it where it chooses
            return Optional.empty();
        }
    }

    /** Forgets the micro-batches of a step. */
    void clear() {
        entries.clear();
        used = 0;
    }

    /** Until it ends, {@code body} runs with the host choosing. */
    <T> T withHost(Supplier<T> body) {
        paused = true;
        try {
            return body.get();
        } finally {
            paused = false;
        }
    }
}
