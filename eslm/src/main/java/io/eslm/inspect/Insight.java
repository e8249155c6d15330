// SPDX-License-Identifier: Apache-2.0
package io.eslm.inspect;

import io.eslm.gpt2.tokenizer.TokenTexts;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.select.token.Risk;

/**
 * What a model does with a text of T + 1 tokens, T of which it predicts, as {@link InsightPage} shows it. Arrays are row-major; L blocks,
 * H heads.
 *
 * @param name of the model
 * @param ids (T + 1) the tokens
 * @param texts of the ids
 * @param loss (T) of each predicted token, in nats
 * @param entropy (T) of each prediction, in nats
 * @param choice which tokens a method keeps
 * @param likeliest the model's own guesses
 * @param lens the likeliest token after each block, (L)
 * @param attention of all heads
 * @param norms of what each block reads and writes
 * @param gradients null unless asked for
 * @param neurons (L) see {@link StrongestTokens}
 */
record Insight(String name, Gpt2Config model, int[] ids, TokenTexts texts, float[] loss, float[] entropy, Choice choice,
        Guesses likeliest,
        Guesses[] lens, AttentionBytes attention, Norms norms, Gradients gradients, byte[][] neurons) {
    /**
     * Which tokens are kept.
     *
     * @param method the name of the method; null if none is named
     * @param risk by which it keeps tokens above the value-at-risk; null if it chooses in another way
     * @param alpha the level at which the page begins
     * @param kept (T); null without a method
     */
    record Choice(String method, Risk risk, double alpha, boolean[] kept) {
    }

    /**
     * Euclidean norms, of each position.
     *
     * @param residual (L + 1, T) before the first block and after each
     * @param attention (L, T) of what attention adds
     * @param mlp (L, T) of what the MLP adds
     */
    record Norms(float[] residual, float[] attention, float[] mlp) {
    }

    /**
     * Norms (L, T) of the gradient with respect to the residual stream after each block.
     *
     * @param all of the mean loss over all tokens
     * @param kept of the method's loss; null without a method
     */
    record Gradients(float[] all, float[] kept) {
    }

    /** Number of predicted tokens, T. */
    int positions() {
        return loss.length;
    }
}
