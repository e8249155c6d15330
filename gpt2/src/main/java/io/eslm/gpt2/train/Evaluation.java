// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.train;

import io.eslm.autograd.Tape;
import io.eslm.autograd.Variable;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.data.EvalWindows;
import io.eslm.gpt2.tokenizer.Tokenizer;
import io.eslm.tensor.backend.FlopCounter.Phase;
import io.eslm.tensor.backend.Workspace;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/** Computes the mean loss of held-out data, of each domain and in all, in nats. The same windows give the same bits. */
public final class Evaluation {
    /**
     * The result of an evaluation.
     *
     * @param loss mean over all tokens, in nats: the means of the domains, weighted by their sizes
     * @param domains mean loss of each domain, in nats, in the order of the data
     * @param tokens loss of each predicted token, in nats, in the order of the windows
     * @param weights weight of each predicted token in {@code loss}; they sum to 1
     * @param bytesPerToken mean number of bytes of text that a predicted token stands for, weighted like the loss; empty if the
     *         tokenizer is not known
     */
    public record Result(double loss, Map<String, Double> domains, float[] tokens, double[] weights,
            OptionalDouble bytesPerToken) {
        /** Number of predicted tokens. */
        public long predictions() {
            return tokens.length;
        }

        /** e^loss. */
        public double perplexity() {
            return Math.exp(loss);
        }

        /**
         * The loss in bits per byte of text, loss / (ln 2 · {@link #bytesPerToken}), which models of different vocabularies can
         * be compared by. The end of a document is predicted, and has no bytes. Empty if the tokenizer is not known.
         */
        public OptionalDouble bitsPerByte() {
            return bytesPerToken.stream().map(bytes -> loss / (Math.log(2) * bytes)).findFirst();
        }

        /** The domain with the highest loss. */
        public String worstDomain() {
            return domains.entrySet().stream().max(Map.Entry.comparingByValue()).orElseThrow().getKey();
        }
    }

    private final Gpt2 model;
    private final Workspace workspace;
    private final int batchSize;
    private final Optional<Tokenizer> tokenizer;

    /**
     * @param batchSize windows per forward pass
     * @param tokenizer of the tokens, for {@link Result#bitsPerByte}
     */
    public Evaluation(Gpt2 model, Workspace workspace, int batchSize, Optional<Tokenizer> tokenizer) {
        this.model = model;
        this.workspace = workspace;
        this.batchSize = batchSize;
        this.tokenizer = tokenizer;
    }

    /** Evaluates {@code windows} of {@code time} predictions each. */
    public Result run(EvalWindows windows, int time) {
        return model.backend().flops().in(Phase.EVALUATION,
                () -> of(windows, time, batchSize, tokenizer,
                        (inputs, targets, rows) -> losses(inputs, targets, rows, time)));
    }

    /** Computes the losses of a batch, here or elsewhere. */
    @FunctionalInterface
    public interface Losses {
        /**
         * The losses (rows·T), in nats.
         *
         * @param inputs (rows, T) at the front of a larger array
         * @param targets (rows, T) likewise, {@link EvalWindows#NO_TARGET} where there is no prediction
         */
        float[] of(int[] inputs, int[] targets, int rows);
    }

    /** The result for windows of {@code time} predictions, {@code batchSize} of which are a batch. */
    public static Result of(EvalWindows windows, int time, int batchSize, Optional<Tokenizer> tokenizer,
            Losses losses) {
        float[] tokens = new float[Math.toIntExact(windows.size() * time)];
        int[] bytesOf = tokenizer.map(Evaluation::bytes).orElse(new int[0]);
        long[] bytes = new long[windows.domains().size()];
        int[] count = new int[windows.domains().size()];
        int n = 0;
        int[] inputs = new int[batchSize * time];
        int[] targets = new int[batchSize * time];
        int[] domainOfRow = new int[batchSize];
        for (long from = 0; from < windows.size(); from += batchSize) {
            int rows = (int) Math.min(batchSize, windows.size() - from);
            for (int r = 0; r < rows; r++) {
                EvalWindows.Window window = windows.window(from + r);
                windows.fill(window, r, inputs, targets);
                domainOfRow[r] = window.domain();
            }
            float[] loss = losses.of(inputs, targets, rows);
            for (int i = 0; i < rows * time; i++) {
                if (targets[i] != EvalWindows.NO_TARGET) {
                    tokens[n++] = loss[i];
                    count[domainOfRow[i / time]]++;
                    bytes[domainOfRow[i / time]] += targets[i] < bytesOf.length ? bytesOf[targets[i]] : 0;
                }
            }
        }
        return result(windows, Arrays.copyOf(tokens, n), count, bytes);
    }

    /** Bytes of text by id; 0 for the end of a document. */
    private static int[] bytes(Tokenizer tokenizer) {
        int[] bytes = new int[tokenizer.vocabSize()];
        Arrays.setAll(bytes, id -> tokenizer.has(id) ? tokenizer.bytes(id).length : 0);
        tokenizer.endOfText().ifPresent(id -> bytes[id] = 0);
        return bytes;
    }

    /** The losses (rows·time) of a batch, as {@link Losses#of} says. */
    public float[] losses(int[] inputs, int[] targets, int rows, int time) {
        int n = rows * time;
        int[] known = new int[n];
        for (int i = 0; i < n; i++) {
            known[i] = Math.max(0, targets[i]);
        }
        try (Tape tape = Tape.evaluation(workspace)) {
            Variable hidden = model.forward(tape, tape.put(inputs, rows, time));
            return model.losses(hidden, tape.put(known, n)).lossValues();
        }
    }

    /** @param tokens losses, domain by domain like the windows; count[d] of domain d, which stand for bytes[d] */
    private static Result result(EvalWindows windows, float[] tokens, int[] count, long[] bytes) {
        Map<String, Double> means = new LinkedHashMap<>();
        double[] weights = new double[tokens.length];
        double weighted = 0;
        double weightedBytes = 0;
        double size = 0;
        int from = 0;
        for (int d = 0; d < count.length; d++) {
            if (count[d] > 0) {
                double sum = 0;
                for (int i = from; i < from + count[d]; i++) {
                    sum += tokens[i];
                }
                means.put(windows.domains().get(d).name(), sum / count[d]);
                weighted += sum / count[d] * windows.predictions(d);
                weightedBytes += (double) bytes[d] / count[d] * windows.predictions(d);
                size += windows.predictions(d);
                Arrays.fill(weights, from, from + count[d], (double) windows.predictions(d) / count[d]);
                from += count[d];
            }
        }
        for (int i = 0; i < weights.length; i++) {
            weights[i] /= size;
        }
        return new Result(weighted / size, means, tokens, weights,
                weightedBytes > 0 ? OptionalDouble.of(weightedBytes / size) : OptionalDouble.empty());
    }
}
