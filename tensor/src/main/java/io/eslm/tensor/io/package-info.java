// SPDX-License-Identifier: Apache-2.0
/** Files of tensors in the safetensors format, and files that are replaced as a whole or not at all. */
package io.eslm.tensor.io;
