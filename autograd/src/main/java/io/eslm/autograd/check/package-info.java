// SPDX-License-Identifier: Apache-2.0
/** Proofs of backward passes: sample inputs of an op, and the gradient check by finite differences. */
package io.eslm.autograd.check;
