// SPDX-License-Identifier: Apache-2.0
package io.eslm.diff;

import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.data.Domain;
import io.eslm.gpt2.data.EvalWindows;
import io.eslm.gpt2.train.Evaluation;
import io.eslm.gpt2.train.Evaluation.Result;
import io.eslm.select.token.TokenScores;
import io.eslm.tensor.backend.Workspace;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.Function;
import java.util.stream.IntStream;

/**
 * The tokens that two models predict.
 *
 * @param tokens all tokens, the unpredicted ones at the beginnings included
 * @param predicted (N) places of the predicted ones in {@code tokens}
 * @param begin (N) where the text of each begins in {@code tokens}
 * @param domain (N) of each, in {@code domains}
 * @param score gives their losses, in this order
 */
public record DiffText(int[] tokens, int[] predicted, int[] begin, int[] domain, List<String> domains,
        Function<Gpt2, Result> score) {
    /** One text, in adjacent windows as {@link TokenScores} cuts them. */
    public static DiffText of(int[] text) {
        int n = Math.max(0, text.length - 1);
        return new DiffText(text, IntStream.rangeClosed(1, n).toArray(), new int[n], new int[n], List.of(Domain.ALL),
                model -> {
                    float[] loss = TokenScores.of(model, text).loss();
                    double[] weights = new double[loss.length];
                    Arrays.fill(weights, 1.0 / loss.length);
                    double mean = IntStream.range(0, loss.length).mapToDouble(i -> loss[i]).sum() / loss.length;
                    return new Result(mean, Map.of(Domain.ALL, mean), loss, weights, OptionalDouble.empty());
                });
    }

    /**
     * The windows of an evaluation.
     *
     * @param time predictions in a window, at most
     * @param batchSize windows in a forward pass
     */
    public static DiffText of(EvalWindows windows, int time, int batchSize) {
        int[] tokens = new int[Math.toIntExact(windows.size() * (time + 1))];
        int[] predicted = new int[tokens.length];
        int[] begin = new int[tokens.length];
        int[] domain = new int[tokens.length];
        int[] inputs = new int[time];
        int[] targets = new int[time];
        int end = 0;
        int n = 0;
        for (long w = 0; w < windows.size(); w++) {
            EvalWindows.Window window = windows.window(w);
            windows.fill(window, 0, inputs, targets);
            int start = end;
            tokens[end++] = inputs[0];
            for (int i = 0; i < window.length(); i++) {
                predicted[n] = end;
                begin[n] = start;
                domain[n++] = window.domain();
                tokens[end++] = targets[i];
            }
        }
        return new DiffText(Arrays.copyOf(tokens, end), Arrays.copyOf(predicted, n), Arrays.copyOf(begin, n),
                Arrays.copyOf(domain, n), windows.domains().stream().map(Domain::name).toList(),
                model -> new Evaluation(model, new Workspace(model.backend()), batchSize, Optional.empty())
                        .run(windows, time));
    }
}
