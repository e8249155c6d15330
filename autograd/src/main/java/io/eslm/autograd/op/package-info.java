// SPDX-License-Identifier: Apache-2.0
/**
 * The ops of a GPT-2 training step and of generation, one file each: equation, shapes, forward, backward. All other ops are in
 * {@link io.eslm.autograd.op.basic}.
 *
 * <p>Legend: B batch, T time (positions), C width, V vocabulary, M = B·T rows, K kept rows. A {@code d} before a name means
 * the gradient of the loss with respect to it. Each op adds its gradients to those that have arrived before.
 */
package io.eslm.autograd.op;
