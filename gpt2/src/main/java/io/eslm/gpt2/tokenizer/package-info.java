// SPDX-License-Identifier: Apache-2.0
/** GPT-2's byte-level BPE: text to token ids and back, and the vocabulary files of other tools. */
package io.eslm.gpt2.tokenizer;
