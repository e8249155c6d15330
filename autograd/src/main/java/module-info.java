// SPDX-License-Identifier: Apache-2.0

/** Gradients; knows nothing of GPT. */
module io.eslm.autograd {
    requires transitive io.eslm.tensor;
}
