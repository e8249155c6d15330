// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.train;

import io.eslm.autograd.Tape;
import io.eslm.autograd.Variable;
import io.eslm.autograd.op.HeadCrossEntropy;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.data.EvalWindows;
import io.eslm.tensor.DType;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.FlopCounter.Phase;
import io.eslm.tensor.backend.Workspace;
import java.util.LinkedHashMap;
import java.util.Map;

/** Mean loss per domain and over all tokens of held-out data, in nats. The same windows give the same bits. */
public final class Evaluation {
    /**
     * What an evaluation found.
     *
     * @param loss mean over all tokens in nats: the domains' means weighted by their sizes
     * @param domains mean loss of each domain, in nats, in the order of the data
     * @param predictions number of tokens predicted
     */
    public record Result(double loss, Map<String, Double> domains, long predictions) {
        /** e^loss. */
        public double perplexity() {
            return Math.exp(loss);
        }

        /** The domain with the highest loss. */
        public String worstDomain() {
            return domains.entrySet().stream().max(Map.Entry.comparingByValue()).orElseThrow().getKey();
        }
    }

    private final Gpt2 model;
    private final Workspace workspace;
    private final int batchSize;

    /** @param batchSize windows per forward pass */
    public Evaluation(Gpt2 model, Workspace workspace, int batchSize) {
        this.model = model;
        this.workspace = workspace;
        this.batchSize = batchSize;
    }

    /** Evaluates {@code windows} of {@code time} predictions each. */
    public Result run(EvalWindows windows, int time) {
        return model.backend().flops().in(Phase.EVALUATION, () -> evaluate(windows, time));
    }

    private Result evaluate(EvalWindows windows, int time) {
        int domains = windows.domains().size();
        double[] sum = new double[domains];
        long[] count = new long[domains];
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
            float[] loss = losses(inputs, targets, rows, time);
            for (int i = 0; i < rows * time; i++) {
                if (targets[i] != EvalWindows.NO_TARGET) {
                    sum[domainOfRow[i / time]] += loss[i];
                    count[domainOfRow[i / time]]++;
                }
            }
        }
        return result(windows, sum, count);
    }

    private float[] losses(int[] inputs, int[] targets, int rows, int time) {
        int n = rows * time;
        int[] known = new int[n];
        for (int i = 0; i < n; i++) {
            known[i] = Math.max(0, targets[i]);
            // Behind a short window stands end-of-text, which a small vocabulary does not have; any id will do there.
            inputs[i] = targets[i] == EvalWindows.NO_TARGET ? 0 : inputs[i];
        }
        try (Tape tape = Tape.evaluation(workspace)) {
            Variable hidden = model.forward(tape, tape.put(inputs, rows, time));
            Tensor entropy = tape.memory(DType.F32, n);
            return tape.apply(new HeadCrossEntropy(tape.put(known, n), entropy), hidden, model.head()).value()
                    .toFloats();
        }
    }

    private static Result result(EvalWindows windows, double[] sum, long[] count) {
        Map<String, Double> means = new LinkedHashMap<>();
        double weighted = 0;
        double weights = 0;
        long predictions = 0;
        for (int d = 0; d < sum.length; d++) {
            if (count[d] > 0) {
                double mean = sum[d] / count[d];
                means.put(windows.domains().get(d).name(), mean);
                weighted += mean * windows.predictions(d);
                weights += windows.predictions(d);
                predictions += count[d];
            }
        }
        return new Result(weighted / weights, means, predictions);
    }
}
