// SPDX-License-Identifier: Apache-2.0
/**
 * Training and evaluation data. Every source (plain text, the running JDK's own sources, token files of nanoGPT or llm.c)
 * becomes two sequences of token ids, one to train on and one held out, each with its domains.
 *
 * <p>Letters: B windows in a batch, T tokens of context (predictions in a window).
 *
 * <p>A <em>prepared folder</em> contains {@code train.bin} and {@code val.bin} (headerless little-endian uint16 ids with
 * end-of-text after each document, like nanoGPT's) and {@code meta.json} (source, tokenizer, counts, domains).
 */
package io.eslm.gpt2.data;
