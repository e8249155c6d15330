// SPDX-License-Identifier: Apache-2.0
package io.eslm.select;

import io.eslm.autograd.Tape;
import io.eslm.autograd.Variable;
import io.eslm.autograd.op.Gather;
import io.eslm.autograd.op.HeadCrossEntropy;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.train.MicroBatch;
import io.eslm.tensor.DType;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.UserError;

/**
 * A cheap guess of how risky windows are: embedding, the first {@code blocks} blocks, the final norm and the head, without
 * gradient or dropout. The proxy risk of a window is the mean over its positions T−1, T−1−stride, …: the head is the larger
 * part of this pass, and neighbouring tokens tell much the same about a window.
 *
 * @param blocks that are run, at least 1
 * @param stride between the positions that the head sees, at least 1
 */
public record EarlyExit(int blocks, int stride) {
    /** Rows of logits at a time: few enough to need little memory, enough to keep the product busy. */
    private static final int ROWS = 512;

    /** @throws UserError if {@code model} has fewer blocks */
    void check(int modelBlocks) {
        if (blocks > modelBlocks) {
            throw new UserError("--exit-blocks " + blocks + ": the model has " + modelBlocks
                    + " blocks; the early exit must come after the last of them at the latest");
        }
    }

    /** Positions of a window that the head sees. */
    private int positions(int time) {
        return (time + stride - 1) / stride;
    }

    /** How many of {@code windows} go through at a time. */
    private static int group(int windows, int positions) {
        return Math.min(windows, Math.max(1, ROWS / positions));
    }

    /** Bytes that the passes over {@code windows} take: logits, and a block's activations (about 16 C for each token). */
    long memory(Gpt2Config config, int windows) {
        int positions = positions(config.blockSize());
        long group = group(windows, positions);
        return 4 * group * (positions * (long) config.vocabSize() + config.blockSize() * 16L * config.nEmbd());
    }

    /** The proxy risk of each window, in nats. */
    float[] risks(MicroBatch batch, Risk risk) {
        check(batch.model().config().nLayer());
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
                Variable x = model.embed(tape, tape.put(ids, windows, ids.length / windows));
                for (int i = 0; i < blocks; i++) {
                    x = model.block(tape, i, x, windows);
                }
                return tape.apply(new Gather(tape.put(rows, rows.length)), x);
            });
            Tensor entropy = tape.memory(DType.F32, rows.length);
            Tensor loss = tape.apply(new HeadCrossEntropy(tape.put(targets, rows.length), entropy),
                    model.finalNorm(tape, hidden), model.head()).value();
            return risk.of(loss.toFloats(), entropy.toFloats());
        }
    }
}
