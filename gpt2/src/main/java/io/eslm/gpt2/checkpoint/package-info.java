// SPDX-License-Identifier: Apache-2.0
/** Models and checkpoints on disk, in the layout of Hugging Face. */
package io.eslm.gpt2.checkpoint;
