// SPDX-License-Identifier: Apache-2.0
/** Generates text from a model, token by token. */
package io.eslm.gpt2.generate;
