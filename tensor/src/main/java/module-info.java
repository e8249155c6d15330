// SPDX-License-Identifier: Apache-2.0

/** Arrays and kernels; knows nothing of gradients or models. */
module io.eslm.tensor {
    requires jdk.incubator.vector;

    exports io.eslm.tensor;
    exports io.eslm.tensor.backend;

    uses io.eslm.tensor.backend.BackendProvider;
}
