// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import io.eslm.run.Run;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.BackendProvider;
import io.eslm.tensor.backend.Backends;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;

/** Lists the backends. */
@Command(name = "backends", header = "Lists the backends, whether each can run here, and how fast it is.",
        description = {"", "A run uses the first that can run here, marked (auto), unless you name another one.", ""},
        footer = {"",
            "Example:", "  eslm backends --threads 1"})
final class BackendsCommand extends EslmCommand {
    @Override
    void declare(CommandSpec command) {
        options.add(command, "", List.of(Run.THREADS));
    }

    @Override
    int run(Terminal screen) {
        List<BackendProvider> all = Backends.all();
        String chosen = Backends.automatic().map(BackendProvider::name).orElse("");
        for (BackendProvider provider : all) {
            String name = provider.name() + (provider.name().equals(chosen) ? " (auto)" : "");
            String state = provider.unusableBecause() == null ? describe(provider)
                    : "cannot run here: " + provider.unusableBecause();
            screen.result(String.format(Locale.ROOT, "%-16s %s", name, state));
            provider.devices().forEach(device -> screen.result(String.format(Locale.ROOT, "%-16s %s", "", device)));
        }
        return 0;
    }

    private String describe(BackendProvider provider) {
        try (Backend backend = Backends.open(provider.name(), options.get(Run.THREADS))) {
            return backend.description() + (provider.slowBecause() == null ? "" : "; slow: " + provider.slowBecause())
                    + "; peak " + backend.measurePeak();
        }
    }
}
