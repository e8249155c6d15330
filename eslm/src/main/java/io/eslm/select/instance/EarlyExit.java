// SPDX-License-Identifier: Apache-2.0
package io.eslm.select.instance;

import io.eslm.autograd.Tape;
import io.eslm.autograd.Variable;
import io.eslm.autograd.op.Gather;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.Gpt2.TokenLosses;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.option.Option;
import io.eslm.gpt2.option.OptionError;
import io.eslm.gpt2.option.OptionValues;
import io.eslm.gpt2.train.MemoryNeed;
import io.eslm.gpt2.train.MicroBatch;
import io.eslm.select.token.Risk;
import io.eslm.tensor.Tensor;

/**
 * Estimates cheaply how risky windows are: embedding, the first {@code blocks} blocks, the final norm and the head, without
 * gradient or dropout. The proxy risk of a window is the mean over its positions T−1, T−1−stride, …, because the head is the
 * larger part of this pass, and neighbouring tokens say much the same about a window.
 *
 * @param blocks number of blocks before the exit, at least 1
 * @param stride distance between the positions that the head sees, at least 1
 */
public record EarlyExit(int blocks, int stride) {
    /** Blocks before the exit. */
    public static final Option<Integer> BLOCKS = count("exit blocks", "blocks before the early exit").defaultsTo(1);
    /** Distance between positions. */
    public static final Option<Integer> STRIDE =
            count("exit stride", "the early exit looks at every N-th token of a window").defaultsTo(4);

    /** Rows of logits at a time: few enough to need little memory, enough to keep the product busy. */
    private static final int ROWS = 512;

    /** From {@link #BLOCKS} and {@link #STRIDE}. */
    static EarlyExit of(OptionValues values) {
        return new EarlyExit(values.get(BLOCKS), values.get(STRIDE));
    }

    private static Option<Integer> count(String name, String help) {
        return Option.count(name, help).must("be at least 1", n -> n >= 1);
    }

    /** @throws OptionError if the model has fewer blocks */
    void check(Gpt2Config model) {
        if (blocks > model.nLayer()) {
            throw new OptionError(BLOCKS, blocks, "must be at most the model's " + model.nLayer() + " blocks");
        }
    }

    /** The number of positions of a window that the head sees. */
    private int positions(int time) {
        return (time + stride - 1) / stride;
    }

    /** The number of windows in one pass. */
    private static int group(int windows, int positions) {
        return Math.min(windows, Math.max(1, ROWS / positions));
    }

    /** Bytes of the passes over {@code windows}: logits, and a block's activations. */
    long memory(Gpt2Config config, int windows) {
        int positions = positions(config.blockSize());
        long group = group(windows, positions);
        return 4 * group * (positions * (long) config.vocabSize() + config.blockSize() * MemoryNeed.ofBlock(config));
    }

    /** The proxy risk of each window, in nats. */
    float[] risks(MicroBatch batch, Risk risk) {
        check(batch.model().config());
        int windows = batch.ids().dim(0);
        int time = batch.ids().dim(1);
        int positions = positions(time);
        int[] ids = batch.ids().toInts();
        int[] targets = batch.targets().toInts();
        float[] risks = new float[windows];
        int group = group(windows, positions);
        for (int from = 0; from < windows; from += group) {
            int count = Math.min(group, windows - from);
            int[] groupIds = new int[count * time];
            System.arraycopy(ids, from * time, groupIds, 0, groupIds.length);
            int[] rows = new int[count * positions];
            int[] groupTargets = new int[rows.length];
            for (int r = 0; r < rows.length; r++) {
                int window = r / positions;
                rows[r] = window * time + time - 1 - (positions - 1 - r % positions) * stride;
                groupTargets[r] = targets[from * time + rows[r]];
            }
            float[] token = tokenRisks(batch, risk, groupIds, rows, groupTargets, count);
            for (int w = 0; w < count; w++) {
                double sum = 0;
                for (int p = 0; p < positions; p++) {
                    sum += token[w * positions + p];
                }
                risks[from + w] = (float) (sum / positions);
            }
        }
        return risks;
    }

    private float[] tokenRisks(MicroBatch batch, Risk risk, int[] ids, int[] rows, int[] targets, int windows) {
        Gpt2 model = batch.model();
        try (Tape tape = Tape.evaluation(batch.tape().workspace())) {
            Variable hidden = tape.scoped(() -> {
                Tensor put = tape.put(ids, windows, ids.length / windows);
                Tensor starts = model.starts(tape, put);
                Variable x = model.embed(tape, put);
                for (int i = 0; i < blocks; i++) {
                    x = model.block(i, x, windows, starts);
                }
                return tape.apply(new Gather(tape.put(rows, rows.length)), x);
            });
            TokenLosses losses =
                    model.losses(model.finalNorm(hidden), tape.put(targets, rows.length));
            return risk.of(losses.lossValues(), losses.entropyValues());
        }
    }
}
