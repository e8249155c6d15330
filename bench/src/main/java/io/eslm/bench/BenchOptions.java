// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench;

import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import picocli.CommandLine.Option;

/** Options of benchmarks that run on one backend. */
final class BenchOptions {
    @Option(names = "--backend", description = "auto, or one that 'eslm backends' lists")
    private String backend = "auto";
    @Option(names = "--threads", description = "0: all cores")
    private int threads;
    @Option(names = "--json", description = "one JSON object instead of text")
    private boolean json;

    Backend open() {
        return Backends.open(backend, threads);
    }

    String backend() {
        return backend;
    }

    int threads() {
        return threads;
    }

    boolean json() {
        return json;
    }
}
