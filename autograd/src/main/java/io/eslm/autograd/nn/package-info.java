// SPDX-License-Identifier: Apache-2.0
/** Parts of models: {@link io.eslm.autograd.nn.Module} names their parameters, layers compute with them. */
package io.eslm.autograd.nn;
