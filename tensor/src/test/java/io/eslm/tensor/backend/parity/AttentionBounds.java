// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.parity;

import static io.eslm.tensor.backend.parity.Closeness.U;
import static io.eslm.tensor.backend.parity.Closeness.chain;

import io.eslm.tensor.backend.Dropouts;

/**
 * How far attention in float may be from attention in double, by following the error of each quantity through the equations
 * of {@link io.eslm.tensor.backend.Kernels#attention}. An error of s moves p = exp(s − lse) by that much of itself.
 */
final class AttentionBounds {
    final AttentionCases.Shape shape;
    /** The output and log Σ exp of each row, rounded to float: inputs of the backward pass. */
    final double[] value;
    final double[] lse;
    /** Bounds of the output and of lse. */
    final double[] y;
    final double[] lseBound;
    private final double[] qkv;
    private final int time;
    private final int width;
    private final int headSize;

    AttentionBounds(AttentionCases.Shape shape, double[] qkv) {
        this.shape = shape;
        this.qkv = qkv;
        time = shape.time();
        width = shape.width();
        headSize = shape.headSize();
        value = new double[shape.tokens() * width];
        y = new double[value.length];
        lse = new double[shape.tokens() * shape.heads()];
        lseBound = new double[lse.length];
        for (int head = 0; head < shape.batch() * shape.heads(); head++) {
            for (int i = 0; i < time; i++) {
                forwardRow(head, i);
            }
        }
    }

    /** Where head {@code head}'s query (0), key (1) or value (2) of position {@code i} starts. */
    private int at(int head, int i, int which) {
        int b = head / shape.heads();
        return ((b * time + i) * 3 + which) * width + head % shape.heads() * headSize;
    }

    private int first(int head, int i) {
        return shape.start(head / shape.heads() * time + i);
    }

    private int out(int head, int i) {
        return (head / shape.heads() * time + i) * width + head % shape.heads() * headSize;
    }

    /** Scores of row i, and in {@code bound} how far each may be off: a dot product of HS terms, its factor, the shift. */
    private double[] scores(int head, int i, double[] bound) {
        double[] s = new double[i + 1];
        for (int j = first(head, i); j <= i; j++) {
            double size = 0;
            for (int d = 0; d < headSize; d++) {
                double term = qkv[at(head, i, 0) + d] * qkv[at(head, j, 1) + d] / Math.sqrt(headSize);
                s[j] += term;
                size += Math.abs(term);
            }
            bound[j] = U * (headSize + 6) * size;
        }
        return s;
    }

    private double kept(int head, int i, int j) {
        int index = (head * time + i) * time + j;
        return shape.p() == 0 ? 1 : Dropouts.keeps(shape.seed(), index, shape.p()) ? 1 / (1 - shape.p()) : 0;
    }

    private void forwardRow(int head, int i) {
        double[] off = new double[i + 1];
        double[] s = scores(head, i, off);
        double max = Double.NEGATIVE_INFINITY;
        for (int j = first(head, i); j <= i; j++) {
            max = Math.max(max, s[j]);
        }
        double sum = 0;
        double mean = 0;
        for (int j = first(head, i); j <= i; j++) {
            double e = Math.exp(s[j] - max);
            sum += e;
            off[j] += U * (max - s[j] + 6);
            mean += e * off[j];
        }
        mean = mean / sum + U * chain(i + 1);
        double l = max + Math.log(sum);
        lse[head * time + i] = (float) l;
        lseBound[head * time + i] = mean + 3 * U * Math.abs(l);
        for (int d = 0; d < headSize; d++) {
            double total = 0;
            double bound = 0;
            for (int j = first(head, i); j <= i; j++) {
                double term = Math.exp(s[j] - max) / sum * kept(head, i, j) * qkv[at(head, j, 2) + d];
                total += term;
                bound += Math.abs(term) * (off[j] + mean + U * (chain(i + 1) + 6));
            }
            value[out(head, i) + d] = (float) total;
            y[out(head, i) + d] = bound + ElementwiseCases.FLUSHED;
        }
    }

    /** Bounds of dqkv for the rows of dy. */
    double[] backward(double[] dy, int[] rows) {
        double[] bound = new double[qkv.length];
        int count = rows == null ? shape.tokens() : rows.length;
        for (int k = 0; k < count; k++) {
            int row = rows == null ? k : rows[k];
            for (int h = 0; h < shape.heads(); h++) {
                backwardRow(bound, dy, k * width + h * headSize, row / time * shape.heads() + h, row % time);
            }
        }
        for (int i = 0; i < bound.length; i++) {
            bound[i] += ElementwiseCases.FLUSHED;
        }
        return bound;
    }

    /** Adds what row i contributes: its terms' errors, and for each term one rounding a step of the sums, T at most. */
    private void backwardRow(double[] bound, double[] dy, int dyAt, int head, int i) {
        double[] off = new double[i + 1];
        double[] s = scores(head, i, off);
        double l = lse[head * time + i];
        double delta = 0;
        double deltaSize = 0;
        for (int d = 0; d < headSize; d++) {
            double term = dy[dyAt + d] * value[out(head, i) + d];
            delta += term;
            deltaSize += Math.abs(term);
        }
        double steps = U * (chain(time) + 8);
        for (int j = first(head, i); j <= i; j++) {
            double kept = kept(head, i, j);
            double p = Math.exp(s[j] - l);
            double pOff = off[j] + U * (Math.abs(s[j]) + Math.abs(l) + 8); // relative to p
            double dp = 0;
            double dpSize = 0;
            for (int d = 0; d < headSize; d++) {
                double term = dy[dyAt + d] * qkv[at(head, j, 2) + d] * kept;
                dp += term;
                dpSize += Math.abs(term);
                bound[at(head, j, 2) + d] += p * kept * Math.abs(dy[dyAt + d]) * (pOff + steps);
            }
            double size = Math.abs(dp - delta);
            double ds = p * (size * (pOff + steps) + U * (headSize + 4) * (dpSize + deltaSize)) / Math.sqrt(headSize);
            for (int d = 0; d < headSize; d++) {
                bound[at(head, i, 0) + d] += ds * Math.abs(qkv[at(head, j, 1) + d]);
                bound[at(head, j, 1) + d] += ds * Math.abs(qkv[at(head, i, 0) + d]);
            }
        }
    }
}
