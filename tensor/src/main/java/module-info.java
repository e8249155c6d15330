// SPDX-License-Identifier: Apache-2.0

/** Arrays and kernels; knows nothing of gradients or models. */
module io.eslm.tensor {
    requires transitive com.google.gson;

    requires jdk.incubator.vector;
    // tells how the JVM was started, where it is there
    requires static java.management;
    requires static jdk.management;

    exports io.eslm.tensor;
    exports io.eslm.tensor.backend;
    exports io.eslm.tensor.io;

    uses io.eslm.tensor.backend.BackendProvider;

    provides io.eslm.tensor.backend.BackendProvider with io.eslm.tensor.backend.ScalarProvider,
            io.eslm.tensor.backend.vector.VectorProvider;
}
