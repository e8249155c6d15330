// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.WeightFormat;
import io.eslm.gpt2.Weights;
import io.eslm.gpt2.checkpoint.ModelFolder;
import io.eslm.gpt2.option.OptionValues;
import io.eslm.gpt2.tokenizer.Tokenizer;
import io.eslm.gpt2.tokenizer.Tokenizers;
import io.eslm.serve.ApiServer;
import io.eslm.serve.ServeOptions;
import io.eslm.tensor.Rng;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.io.Json;
import java.nio.charset.StandardCharsets;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Scanner;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.apache.commons.statistics.descriptive.Median;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * Times the server through HTTP: so many clients, each of which sends its next request when it has the last token of the one before. The
 * answers are streams, and each prompt is another one. Clients and server share the machine.
 */
@Command(name = "serve", description = "Times the server through HTTP.", mixinStandardHelpOptions = true,
        showDefaultValues = true)
final class ServeBench implements Callable<Integer> {
    private static final Median MEDIAN = Median.withDefaults();

    @Option(names = "--model",
            description = "a preset with random weights, or a model folder; ./gpt2 is a folder, gpt2 the preset")
    private String model = "gpt2";
    @Option(names = "--weights", description = "f32 or q8")
    private String weights = "f32";
    @Option(names = "--clients", split = ",", description = "numbers of clients, one after the other")
    private int[] clients = {1, 8, 32};
    @Option(names = "--requests", description = "of each client; one more at the beginning does not count")
    private int requests = 3;
    @Option(names = "--prompt", description = "tokens of a prompt")
    private int prompt = 128;
    @Option(names = "--new", description = "tokens to generate")
    private int fresh = 64;
    @Mixin
    private BenchOptions common;

    /** What a client saw: seconds from the request to the first token and to the last, and the tokens. */
    private record Seen(double first, double last, int tokens) {
    }

    @Override
    public Integer call() {
        if (Arrays.stream(clients).min().orElse(0) < 1 || requests < 1 || prompt < 1 || fresh < 1) {
            throw new UserError("--clients, --requests, --prompt and --new must be at least 1");
        }
        try (Backend backend = common.open()) {
            BenchReport report = new BenchReport(backend, common.json());
            Path folder = Path.of(model);
            boolean isFolder = !Gpt2Config.PRESETS.contains(model) && Files.isDirectory(folder);
            Gpt2 gpt2 = open(backend, isFolder ? Optional.of(folder) : Optional.empty());
            Tokenizer tokenizer = (isFolder ? ModelFolder.tokenizer(folder)
                    : Tokenizers.usual(gpt2.config().vocabSize()))
                    .orElseThrow(() -> new UserError("--model " + model + ": its tokenizer is not known"));
            OptionValues values = OptionValues.defaults(ServeOptions.GROUP).with(ServeOptions.PORT, 0)
                    .with(ServeOptions.MAX_RUNNING, Arrays.stream(clients).max().orElseThrow());
            JsonObject all = new JsonObject();
            all.addProperty("model", model);
            all.addProperty("parameters", gpt2.config().parameterCount());
            all.addProperty("weights", weights);
            all.addProperty("prompt_tokens", prompt);
            all.addProperty("new_tokens", fresh);
            report.lines(all);
            JsonArray runs = new JsonArray();
            try (ApiServer server = ApiServer.open(gpt2, tokenizer, "bench", ServeOptions.of(values), _ -> {
            })) {
                for (int n : clients) {
                    JsonObject run = run(URI.create(server.address() + "/v1/completions"), n, tokenizer.vocabSize());
                    report.text("%n");
                    report.lines(run);
                    runs.add(run);
                }
            }
            all.add("runs", runs);
            report.end(all);
        }
        return 0;
    }

    private Gpt2 open(Backend backend, Optional<Path> folder) {
        WeightFormat format = WeightFormat.OPTION.parse(weights);
        if (folder.isPresent()) {
            return ModelFolder.load(folder.get(), backend, format);
        }
        Gpt2Config config = Gpt2Config.preset(model);
        return new Gpt2(config, backend, format.of(Weights.random(config, backend, Rng.of(1))));
    }

    private JsonObject run(URI address, int n, int vocabulary) {
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
                HttpClient http = HttpClient.newHttpClient()) {
            seen(threads, http, address, n, 1, -1, vocabulary);
            long start = System.nanoTime();
            List<Seen> all = seen(threads, http, address, n, requests, n, vocabulary);
            double seconds = (System.nanoTime() - start) * 1e-9;
            JsonObject run = new JsonObject();
            run.addProperty("clients", n);
            run.addProperty("requests", all.size());
            Figures.add(run, "total_s", seconds);
            Figures.add(run, "new_tokens_per_s", all.stream().mapToInt(Seen::tokens).sum() / seconds);
            Figures.add(run, "first_token_s", MEDIAN.evaluate(all.stream().mapToDouble(Seen::first).toArray()));
            Figures.add(run, "longest_first_token_s", all.stream().mapToDouble(Seen::first).max().orElseThrow());
            Figures.add(run, "request_s", MEDIAN.evaluate(all.stream().mapToDouble(Seen::last).toArray()));
            return run;
        }
    }

    /** All clients at once, {@code each} requests one after the other. */
    private List<Seen> seen(ExecutorService threads, HttpClient http, URI address, int n, int each, int round,
            int vocabulary) {
        List<Future<List<Seen>>> clients = new ArrayList<>();
        for (int c = 0; c < n; c++) {
            int client = c;
            clients.add(threads.submit(() -> {
                List<Seen> own = new ArrayList<>();
                for (int r = 0; r < each; r++) {
                    own.add(complete(http, address, body(131 * client + 10_007 * (r + 1) + 1_000_003 * (round + 1),
                            vocabulary)));
                }
                return own;
            }));
        }
        List<Seen> all = new ArrayList<>();
        for (Future<List<Seen>> client : clients) {
            try {
                all.addAll(client.get());
            } catch (ExecutionException e) {
                throw new IllegalStateException(e.getCause());
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
        return all;
    }

    private String body(int from, int vocabulary) {
        JsonArray ids = new JsonArray();
        for (int i = 0; i < prompt; i++) {
            ids.add((from + i) % vocabulary);
        }
        JsonObject o = new JsonObject();
        o.add("prompt", ids);
        o.addProperty("max_tokens", fresh);
        o.addProperty("temperature", 0);
        o.addProperty("stream", true);
        JsonObject usage = new JsonObject();
        usage.addProperty("include_usage", true);
        o.add("stream_options", usage);
        return Json.line(o);
    }

    private static Seen complete(HttpClient http, URI address, String body) throws IOException, InterruptedException {
        long start = System.nanoTime();
        HttpResponse<InputStream> response = http.send(HttpRequest.newBuilder(address)
                .POST(HttpRequest.BodyPublishers.ofString(body)).build(), HttpResponse.BodyHandlers.ofInputStream());
        double first = Double.NaN;
        int tokens = 0;
        try (Scanner lines = new Scanner(response.body(), StandardCharsets.UTF_8)) {
            while (lines.hasNextLine()) {
                String line = lines.nextLine();
                if (line.startsWith("data: {")) {
                    JsonObject part = Json.parse(line.substring("data: ".length()));
                    first = Double.isNaN(first) ? (System.nanoTime() - start) * 1e-9 : first;
                    if (part.get("usage") instanceof JsonObject usage) {
                        tokens = usage.get("completion_tokens").getAsInt();
                    }
                } else if (response.statusCode() != 200) {
                    throw new IllegalStateException(response.statusCode() + " " + line);
                }
            }
        }
        return new Seen(first, (System.nanoTime() - start) * 1e-9, tokens);
    }
}
