// SPDX-License-Identifier: Apache-2.0
/** Checks of backward passes: the gradient check by finite differences, and sample inputs of ops. */
package io.eslm.autograd.check;
