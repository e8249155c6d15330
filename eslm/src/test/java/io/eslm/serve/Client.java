// SPDX-License-Identifier: Apache-2.0
package io.eslm.serve;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.checkpoint.ModelFolder;
import io.eslm.gpt2.option.Option;
import io.eslm.gpt2.option.OptionValues;
import io.eslm.gpt2.tokenizer.Tokenizer;
import io.eslm.tensor.backend.ScalarBackend;
import io.eslm.tensor.io.Json;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Serves a small trained model in this JVM, and sends it requests. */
public final class Client implements AutoCloseable {
    public static final Path MODEL_FOLDER = Path.of("src/test/resources/io/eslm/task/model");
    public static final Gpt2 MODEL = ModelFolder.load(MODEL_FOLDER, new ScalarBackend());
    public static final Tokenizer TOKENIZER = ModelFolder.tokenizer(MODEL_FOLDER).orElseThrow();

    public final List<String> log = new ArrayList<>();
    public final ApiServer server;
    private final HttpClient http = HttpClient.newHttpClient();

    /** Serves with the usual options on a free port. */
    public Client() {
        this(Map.of());
    }

    /** @param options by the texts of their values */
    public Client(Map<Option<?>, String> options) {
        this(options, Duration.ofMillis(50));
    }

    Client(Map<Option<?>, String> options, Duration beat) {
        server = ApiServer.open(MODEL, TOKENIZER, "small", options(options), line -> {
            synchronized (log) {
                log.add(line);
            }
        }, beat);
    }

    static ServeOptions options(Map<Option<?>, String> options) {
        OptionValues values = OptionValues.defaults(ServeOptions.GROUP).withText(ServeOptions.PORT, "0");
        for (Map.Entry<Option<?>, String> e : options.entrySet()) {
            values = values.withText(e.getKey(), e.getValue());
        }
        return ServeOptions.of(values);
    }

    public int port() {
        return URI.create(server.address()).getPort();
    }

    /** The answer to a request for completions. */
    public HttpResponse<String> post(String body, String... headers) {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(server.address() + "/v1/completions"))
                .header("Content-Type", "application/json").POST(HttpRequest.BodyPublishers.ofString(body));
        return send(headers.length == 0 ? request : request.headers(headers));
    }

    public HttpResponse<String> get(String path, String... headers) {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(server.address() + path));
        return send(headers.length == 0 ? request : request.headers(headers));
    }

    private HttpResponse<String> send(HttpRequest.Builder request) {
        try {
            return http.send(request.build(), HttpResponse.BodyHandlers.ofString());
        } catch (IOException e) {
            throw new AssertionError(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    /** The answer, which must have status 200. */
    public JsonObject complete(String body) {
        HttpResponse<String> response = post(body);
        if (response.statusCode() != 200) {
            throw new AssertionError(response.statusCode() + " " + response.body());
        }
        return Json.parse(response.body().strip());
    }

    /** The choices of an answer. */
    public JsonArray choices(String body) {
        return complete(body).getAsJsonArray("choices");
    }

    /** The text of the first choice. */
    public String text(String body) {
        return choices(body).get(0).getAsJsonObject().get("text").getAsString();
    }

    /** The objects of a stream; the last line must be [DONE]. */
    public List<JsonObject> stream(String body) {
        List<String> data = post(body).body().lines().filter(line -> line.startsWith("data: "))
                .map(line -> line.substring("data: ".length())).toList();
        if (!data.getLast().equals("[DONE]")) {
            throw new AssertionError(data);
        }
        return data.subList(0, data.size() - 1).stream().map(Json::parse).toList();
    }

    /** The value of a metric. */
    public double metric(String name) {
        return get("/metrics").body().lines().filter(line -> line.startsWith(name + " "))
                .mapToDouble(line -> Double.parseDouble(line.substring(name.length() + 1))).findFirst().orElseThrow();
    }

    @Override
    public void close() {
        http.close();
        server.close();
    }
}
