// SPDX-License-Identifier: Apache-2.0
/** Text from a model, token by token. */
package io.eslm.gpt2.generate;
