// SPDX-License-Identifier: Apache-2.0

/**
 * ESLM's choice of tokens: each token's risk, the value-at-risk of a micro-batch, and the tokens at or above it.
 *
 * <p>M: tokens of a micro-batch. K: tokens kept. α: confidence level. k: rank of the threshold.
 */
package io.eslm.select.token;
