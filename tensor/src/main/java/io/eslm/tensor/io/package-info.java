// SPDX-License-Identifier: Apache-2.0
/**
 * Tensors in files of the safetensors format; files replaced as a whole or not at all; errors of files in the user's
 * words.
 */
package io.eslm.tensor.io;
