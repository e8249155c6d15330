// SPDX-License-Identifier: Apache-2.0
/**
 * All ops, one file each: equation, shapes, forward, backward, and the samples on which both are proven. To add one, add its
 * file; the tests find it.
 *
 * <p>Legend: B batch, T time (positions), C width, V vocabulary, M = B·T rows, K kept rows. A {@code d} before a name means
 * the gradient of the loss with respect to it; gradients are added to what has arrived already.
 */
package io.eslm.autograd.op;
