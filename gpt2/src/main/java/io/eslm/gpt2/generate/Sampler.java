// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.generate;

import io.eslm.tensor.Rng;
import io.eslm.tensor.UserError;

/** Draws tokens from logits. Of equal logits, the smaller id comes first. A draw allocates nothing after the first. */
final class Sampler {
    private final Sampling sampling;
    private final Rng rng;
    private final int vocabulary;
    /** Probability of each id, or of each candidate, relative to the most likely one. */
    private double[] weights;
    /** Max-heap of (logit, −id), packed into a long. Candidates move to its end, in reverse order. */
    private long[] heap;
    private int heapSize;
    /** Where the logits begin. */
    private int offset;

    /** @param vocabulary number of ids that can be drawn */
    Sampler(Sampling sampling, int vocabulary) {
        this(sampling, vocabulary, null);
    }

    /** @param ended one of the same vocabulary that draws no more, whose memory this one takes; or null */
    Sampler(Sampling sampling, int vocabulary, Sampler ended) {
        this.sampling = sampling;
        this.vocabulary = vocabulary;
        this.rng = Rng.of(sampling.seed()).split("sampling");
        this.weights = ended == null ? null : ended.weights;
        this.heap = ended == null ? null : ended.heap;
    }

    /**
     * Draws the next token.
     *
     * @param logits (V) or more: one for each id
     * @throws UserError if one is not finite
     */
    int draw(float[] logits) {
        return draw(logits, 0);
    }

    /** {@link #draw(float[])} from logits[from], …. */
    int draw(float[] logits, int from) {
        offset = from;
        int best = mostLikely(logits);
        if (sampling.temperature() == 0 || sampling.topK() == 1) {
            return best;
        }
        if (weights == null) {
            weights = new double[vocabulary];
            heap = new long[vocabulary];
        }
        boolean all = sampling.topK() == 0 || sampling.topK() >= weights.length;
        double total = all ? weigh(logits, logits[offset + best]) : 0;
        return all && sampling.topP() == 1 ? atWeight(rng.nextDouble() * total, weights.length)
                : fromTop(logits, logits[offset + best], total);
    }

    private int mostLikely(float[] logits) {
        int best = 0;
        for (int i = 0; i < vocabulary; i++) {
            if (!Float.isFinite(logits[offset + i])) {
                throw new UserError("the model's output is not finite (" + logits[offset + i] + " for token " + i
                        + "): the weights are damaged, or training diverged. Use an earlier checkpoint");
            }
            best = logits[offset + i] > logits[offset + best] ? i : best;
        }
        return best;
    }

    /** Sets all weights and returns their sum. */
    private double weigh(float[] logits, float largest) {
        double sum = 0;
        for (int i = 0; i < weights.length; i++) {
            weights[i] = weight(logits[offset + i], largest);
            sum += weights[i];
        }
        return sum;
    }

    private double weight(float logit, float largest) {
        return Math.exp((logit - largest) / sampling.temperature());
    }

    /**
     * Draws from the most likely tokens.
     *
     * @param all sum of all weights, which top p is a share of; 0 if it is a share of the top k
     */
    private int fromTop(float[] logits, float largest, double all) {
        heapify(logits);
        double whole = all;
        int candidates = 0;
        while (all == 0 && candidates < sampling.topK()) {
            whole += take(candidates++, logits, largest);
        }
        double sum = 0;
        int kept = 0;
        while (kept == 0 || sum < sampling.topP() * whole && kept < (all == 0 ? candidates : weights.length)) {
            if (kept == candidates) {
                take(candidates++, logits, largest);
            }
            sum += weights[kept++];
        }
        return id(heap[heap.length - 1 - atWeight(rng.nextDouble() * sum, kept)]);
    }

    /** Makes the most likely remaining token candidate {@code i}: moves its key to the free end of the heap. */
    private double take(int i, float[] logits, float largest) {
        long key = pop();
        heap[heap.length - 1 - i] = key;
        weights[i] = weight(logits[offset + id(key)], largest);
        return weights[i];
    }

    /** The first index at which the running sum of the weights exceeds {@code point}. */
    private int atWeight(double point, int n) {
        double sum = 0;
        for (int i = 0; i < n; i++) {
            sum += weights[i];
            if (sum > point) {
                return i;
            }
        }
        return n - 1;
    }

    private void heapify(float[] logits) {
        heapSize = heap.length;
        for (int i = 0; i < heap.length; i++) {
            heap[i] = key(logits[offset + i], i);
        }
        for (int i = heap.length / 2 - 1; i >= 0; i--) {
            sink(i);
        }
    }

    /** Sorts like the logit, then by descending id. */
    private static long key(float logit, int id) {
        int bits = Float.floatToIntBits(logit + 0f); // + 0: −0 becomes 0
        return (long) (bits ^ bits >> 31 & Integer.MAX_VALUE) << 32 | Integer.MAX_VALUE - id;
    }

    private static int id(long key) {
        return Integer.MAX_VALUE - (int) key;
    }

    private long pop() {
        long top = heap[0];
        heap[0] = heap[--heapSize];
        sink(0);
        return top;
    }

    private void sink(int from) {
        int at = from;
        long key = heap[at];
        for (int child = 2 * at + 1; child < heapSize; child = 2 * at + 1) {
            if (child + 1 < heapSize && heap[child + 1] > heap[child]) {
                child++;
            }
            if (heap[child] <= key) {
                break;
            }
            heap[at] = heap[child];
            at = child;
        }
        heap[at] = key;
    }
}
