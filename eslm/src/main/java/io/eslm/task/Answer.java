// SPDX-License-Identifier: Apache-2.0
package io.eslm.task;

/**
 * What a model gives a continuation.
 *
 * @param logLikelihood Σ log p of its tokens, in nats
 * @param greedy whether each of its tokens is the likeliest; false where nobody asks
 */
record Answer(double logLikelihood, boolean greedy) {
}
