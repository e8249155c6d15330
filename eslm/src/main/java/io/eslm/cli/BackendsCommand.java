// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import io.eslm.run.Run;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.BackendProvider;
import io.eslm.tensor.backend.Backends;
import io.eslm.tensor.io.Json;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine;

/** Lists the backends. */
@Command(name = "backends", header = "Lists the backends, whether each can run here, and how fast it is.",
        description = {"", "A run uses the first that can run here, marked (auto), unless you name another one.", ""},
        footer = {"",
            "Example:", "  eslm backends --threads 1"})
final class BackendsCommand extends EslmCommand {
    @CommandLine.Option(names = "--json", order = Options.LATE,
            description = "one line for each backend: {\"name\",\"automatic\",\"usable\",\"description\",\"devices\","
                    + "\"peak_gflops\"}; description says why it cannot run")
    private boolean json;

    @Override
    protected void declare(CommandSpec command) {
        options.add(command, "", List.of(Run.THREADS));
    }

    @Override
    protected int run(Terminal screen) {
        List<BackendProvider> all = Backends.all();
        String chosen = Backends.automatic().map(BackendProvider::name).orElse("");
        for (BackendProvider provider : all) {
            if (json) {
                screen.result(json(provider, provider.name().equals(chosen)));
                continue;
            }
            String name = provider.name() + (provider.name().equals(chosen) ? " (auto)" : "");
            String state = provider.unusableBecause() == null ? describe(provider)
                    : "cannot run here: " + provider.unusableBecause();
            screen.result(String.format(Locale.ROOT, "%-16s %s", name, state));
            provider.devices().forEach(device -> screen.result(String.format(Locale.ROOT, "%-16s %s", "", device)));
        }
        return 0;
    }

    private JsonObject json(BackendProvider provider, boolean automatic) {
        JsonObject o = new JsonObject();
        o.addProperty("name", provider.name());
        o.addProperty("automatic", automatic);
        o.addProperty("usable", provider.unusableBecause() == null);
        JsonArray devices = new JsonArray();
        provider.devices().forEach(devices::add);
        if (provider.unusableBecause() != null) {
            o.addProperty("description", provider.unusableBecause());
            o.add("devices", devices);
            o.add("peak_gflops", JsonNull.INSTANCE);
            return o;
        }
        try (Backend backend = Backends.open(provider.name(), options.get(Run.THREADS))) {
            o.addProperty("description", backend.description());
            o.add("devices", devices);
            o.add("peak_gflops", Json.number(backend.measurePeak().flops() * 1e-9));
        }
        return o;
    }

    private String describe(BackendProvider provider) {
        try (Backend backend = Backends.open(provider.name(), options.get(Run.THREADS))) {
            return backend.description() + (provider.slowBecause() == null ? "" : "; slow: " + provider.slowBecause())
                    + "; peak " + backend.measurePeak();
        }
    }
}
