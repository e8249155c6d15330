// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import picocli.CommandLine.Option;

/** Where to compute. */
final class BackendOptions {
    @Option(names = "--backend", paramLabel = "NAME", description = "auto, or one that 'eslm backends' lists "
            + "(default: ${DEFAULT-VALUE})", defaultValue = "auto")
    private String backend;
    @Option(names = "--threads", paramLabel = "N", description = "threads for kernels; 0: all cores "
            + "(default: ${DEFAULT-VALUE})", defaultValue = "0")
    private int threads;

    Backend open() {
        return Backends.open(backend, threads);
    }
}
