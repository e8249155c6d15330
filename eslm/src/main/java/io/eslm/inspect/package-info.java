// SPDX-License-Identifier: Apache-2.0

/**
 * A look inside a model at work on a text: {@link io.eslm.inspect.Insight} is what there is to see, {@link io.eslm.inspect.InsightPage}
 * shows it as one page, and {@link io.eslm.inspect.Export} writes activations and gradients to a file.
 */
package io.eslm.inspect;
