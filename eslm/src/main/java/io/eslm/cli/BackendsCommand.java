// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.BackendProvider;
import io.eslm.tensor.backend.Backends;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** Lists where kernels can run. */
@Command(name = "backends", header = "Lists the backends, whether each can run here, and how fast it is.", footer = {"",
    "Example:", "  eslm backends --threads 1"})
final class BackendsCommand implements Runnable {
    @ParentCommand
    private Main program;
    @Spec
    private CommandSpec spec;
    @Option(names = "--threads", paramLabel = "N", description = "threads for kernels; 0: all cores "
            + "(default: ${DEFAULT-VALUE})", defaultValue = "0")
    private int threads;

    @Override
    public void run() {
        try (Terminal screen = program.screen(spec.commandLine())) {
            List<BackendProvider> all = Backends.all();
            String chosen = all.stream().filter(p -> p.unusableBecause() == null).map(BackendProvider::name).findFirst()
                    .orElse("");
            for (BackendProvider provider : all) {
                String name = provider.name() + (provider.name().equals(chosen) ? " (auto)" : "");
                String state = provider.unusableBecause() == null ? describe(provider)
                        : "cannot run here: " + provider.unusableBecause();
                screen.result(String.format(Locale.ROOT, "%-16s %s", name, state));
                provider.devices().forEach(device -> screen.result(String.format(Locale.ROOT, "%-16s %s", "", device)));
            }
        }
    }

    private String describe(BackendProvider provider) {
        try (Backend backend = Backends.open(provider.name(), threads)) {
            double peak = backend.measurePeakFlops();
            return backend.description() + (Double.isNaN(peak) ? "; peak not measured"
                    : String.format(Locale.ROOT, "; measured peak %.0f GFLOP/s", peak * 1e-9));
        }
    }
}
