// SPDX-License-Identifier: Apache-2.0
/**
 * Training and evaluation data. Whatever the source (plain text, the running JDK's own sources, token files of nanoGPT
 * or llm.c), it becomes two sequences of token ids, one to train on and one held out, each with its domains.
 *
 * <p>Letters: B sequences per batch, T tokens of context (predictions per sequence).
 *
 * <p>A <em>prepared folder</em> holds {@code train.bin} and {@code val.bin} (headerless little-endian uint16 ids,
 * end-of-text after each document, as nanoGPT writes them) and {@code meta.json} (source, tokenizer, counts, domains).
 */
package io.eslm.gpt2.data;
