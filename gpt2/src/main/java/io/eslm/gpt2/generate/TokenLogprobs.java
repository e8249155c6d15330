// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.generate;

/**
 * How likely a token was, before temperature, top k and top p: log softmax of the logits over all ids of the model, in nats.
 *
 * @param id the token
 * @param logprob its log-probability
 * @param topIds the most likely ids that can be drawn, the most likely first; of equal ones, the smaller id first
 * @param topLogprobs their log-probabilities
 */
public record TokenLogprobs(int id, double logprob, int[] topIds, double[] topLogprobs) {
}
