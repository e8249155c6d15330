// SPDX-License-Identifier: Apache-2.0
/**
 * Reads documents out of files: text, JSON lines, JSON arrays, tables and Parquet, also compressed. {@link
 * io.eslm.gpt2.data.source.Formats} says what a file is, by its content; a {@link io.eslm.gpt2.data.source.DocumentReader} reads
 * it in batches, so that no file needs to fit into memory. What is not sure is refused.
 */
package io.eslm.gpt2.data.source;
