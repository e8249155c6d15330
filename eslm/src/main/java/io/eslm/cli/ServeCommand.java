// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import io.eslm.tensor.UserError;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.WeightFormat;
import io.eslm.gpt2.checkpoint.ModelFolder;
import io.eslm.gpt2.option.OptionError;
import io.eslm.gpt2.tokenizer.Tokenizer;
import io.eslm.serve.ApiServer;
import io.eslm.serve.ServeOptions;
import io.eslm.tensor.backend.Backend;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.function.BooleanSupplier;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;

/** Serves a model over HTTP. */
@Command(name = "serve",
        header = "Serves a model over HTTP as OpenAI's completions interface, for its clients and for lm-eval.",
        description = {"",
            "Serves /v1/completions, /v1/models, /health and /metrics (Prometheus) until Ctrl-C. Requests join a running batch. Keys and "
                    + "values of all texts share one memory of fixed size (--cache-mb), and equal beginnings are computed once. "
                    + "With --verbose, prints a line for each request. What a request may ask for, and how lm-eval is run against "
                    + "it: docs/serve.md.",
            ""},
        footer = {"", "Examples:", "  eslm serve --model gpt2/",
            "  eslm serve --model runs/jdk-cvar-loss-0.1 --port 0 --weights q8",
            "  eslm serve --model gpt2/ --host 0.0.0.0 --api-key-file key.txt"})
final class ServeCommand extends EslmCommand {
    private static final long LEAST_RESPONSE_S = 600;
    private static final double MB = 1 << 20;
    private static final int LOOK_MS = 100;

    @Override
    protected void declare(CommandSpec command) {
        options.require(command, DeclaredOptions.MODEL).add(command, "", ServeOptions.GROUP.options())
                .add(command, "", List.of(WeightFormat.OPTION)).add(command, "", DeclaredOptions.BACKEND);
    }

    @Override
    protected int run(Terminal screen) {
        ServeOptions serving = ServeOptions.of(options.values(ServeOptions.GROUP));
        Path folder = options.get(DeclaredOptions.MODEL);
        Tokenizer tokenizer = ModelFolder.tokenizer(folder).orElseThrow(() -> new OptionError(DeclaredOptions.MODEL,
                folder, "the folder holds no tokenizer, so texts cannot be turned into the model's tokens. Put its "
                        + "tokenizer.json or meta.pkl there"));
        boolean verbose = StandardOptions.wantsVerbose(spec.commandLine());
        // a client that stops reading its answer holds a thread no longer than this; read once by the JDK's server
        System.getProperties().putIfAbsent("sun.net.httpserver.maxRspTime",
                String.valueOf(Math.max(LEAST_RESPONSE_S, 2 * serving.timeLimit().toSeconds())));
        return Interrupt.during(screen, "stopping when the requests under way are answered, after "
                + serving.grace().toSeconds() + " s at most", stop -> {
                    try (Backend backend = options.openBackend()) {
                        Gpt2 model = ModelFolder.load(folder, backend, options.get(WeightFormat.OPTION));
                        try (ApiServer server = ApiServer.open(model, tokenizer, nameOf(folder), serving, line -> {
                            if (verbose) {
                                screen.say(line);
                            }
                        })) {
                            announce(screen, server, model, serving);
                            await(stop, server);
                        }
                    }
                    screen.note("stopped");
                    if (stop.getAsBoolean()) {
                        Runtime.getRuntime().halt(0); // a server that was told to stop, and did, has not failed
                    }
                    return 0;
                });
    }

    private static String nameOf(Path folder) {
        return String.valueOf(folder.toAbsolutePath().normalize().getFileName());
    }

    private static void announce(Terminal screen, ApiServer server, Gpt2 model, ServeOptions serving) {
        screen.note(String.format(Locale.ROOT, "model:   %s, %,d parameters, context of %,d tokens", server.modelName(),
                model.parameterCount(), model.config().blockSize()));
        screen.note(String.format(Locale.ROOT,
                "memory:  %,.0f MB for the keys and values of all texts; up to %,d run at once, and %,d wait",
                server.cacheBytes() / MB, serving.maxRunning(), serving.maxWaiting()));
        screen.say("serving: " + server.address() + "/v1 (Ctrl-C stops)");
        if (server.isPublic()) {
            screen.say(
                    "warning: other machines can reach this server, and nothing is encrypted: keys can be read on the way. "
                            + "Safer: serve on the loopback address, behind a proxy with TLS or ssh -L");
        }
    }

    /** @throws UserError if the server cannot go on */
    private static void await(BooleanSupplier stop, ApiServer server) {
        while (!stop.getAsBoolean()) {
            UserError.check(server.isAlive(),
                    "the model cannot go on; the error before says why. If it was memory, start "
                            + "with more of it, or lower --cache-mb");
            try {
                Thread.sleep(LOOK_MS);
            } catch (InterruptedException _) {
                Thread.currentThread().interrupt();
                return;
            }
        }
    }
}
