// SPDX-License-Identifier: Apache-2.0

/** Observe or replace any activation of a model while it runs, forward and backward. */
package io.eslm.gpt2.inspect;
