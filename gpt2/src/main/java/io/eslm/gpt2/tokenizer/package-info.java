// SPDX-License-Identifier: Apache-2.0
/** Text to token ids and back: GPT-2's byte-level BPE, the vocabularies of other tools and their files, and learning one's own. */
package io.eslm.gpt2.tokenizer;
