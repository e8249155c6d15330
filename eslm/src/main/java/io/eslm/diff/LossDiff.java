// SPDX-License-Identifier: Apache-2.0
package io.eslm.diff;

import io.eslm.gpt2.checkpoint.ModelFolder;
import io.eslm.gpt2.train.Evaluation.Result;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Backend;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;

/**
 * The losses that models A and B give the same tokens, in nats.
 *
 * @param a of A
 * @param b of B
 */
public record LossDiff(DiffText text, Result a, Result b) {
    /**
     * Scores {@code text} by one model, then by the other; only one of them is in memory at a time.
     *
     * @throws UserError if a model cannot be loaded, or gives a loss that is not finite
     */
    public static LossDiff of(DiffText text, Path a, Path b, Backend backend) {
        return new LossDiff(text, score(text, a, backend), score(text, b, backend));
    }

    private static Result score(DiffText text, Path model, Backend backend) {
        Result result = text.score().apply(ModelFolder.load(model, backend));
        for (float loss : result.tokens()) {
            if (!Float.isFinite(loss)) {
                throw new UserError(
                        model + ": gives a token a loss that is not a finite number. The model's activations "
                                + "overflow: its weights are damaged, or its training diverged");
            }
        }
        return result;
    }

    /** Loss by B − loss by A of prediction {@code i}: below 0 if B predicts it better. */
    public double change(int i) {
        return (double) b.tokens()[i] - a.tokens()[i];
    }

    /** Share of the tokens that B predicts better, each with its weight in the mean. */
    public double betterShare() {
        return IntStream.range(0, a.tokens().length).filter(i -> change(i) < 0).mapToDouble(i -> a.weights()[i]).sum();
    }

    /** At most {@code most} predictions whose loss fell the most; the earlier of equals first. */
    public List<Integer> better(int most) {
        return largest(most, i -> -change(i));
    }

    /** At most {@code most} predictions whose loss rose the most; the earlier of equals first. */
    public List<Integer> worse(int most) {
        return largest(most, this::change);
    }

    private List<Integer> largest(int most, IntToDoubleFunction size) {
        return IntStream.range(0, a.tokens().length).filter(i -> size.applyAsDouble(i) > 0).boxed()
                .sorted(Comparator.comparingDouble((Integer i) -> -size.applyAsDouble(i))).limit(most).toList();
    }
}
