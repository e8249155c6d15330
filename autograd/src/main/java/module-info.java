// SPDX-License-Identifier: Apache-2.0

/** Gradients; knows nothing of GPT. */
module io.eslm.autograd {
    requires transitive io.eslm.tensor;

    exports io.eslm.autograd;
    exports io.eslm.autograd.check;
    exports io.eslm.autograd.nn;
    exports io.eslm.autograd.op;
    exports io.eslm.autograd.op.basic;
    exports io.eslm.autograd.optim;
}
