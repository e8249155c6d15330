// SPDX-License-Identifier: Apache-2.0
package io.eslm.serve;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import io.eslm.gpt2.generate.Generation;
import io.eslm.gpt2.generate.Listener;
import io.eslm.gpt2.generate.Request;
import io.eslm.gpt2.generate.Sampling;
import io.eslm.gpt2.generate.TokenLogprobs;
import io.eslm.gpt2.option.Option;
import io.eslm.gpt2.option.OptionError;
import io.eslm.tensor.io.Json;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the server lets in, refuses and survives. */
class ApiServerTest {
    /** Draws 63 tokens unless it is stopped; about a hundred of them take a second on a slow machine. */
    private static final String LONG =
            "{\"prompt\":\"A\",\"max_tokens\":63,\"temperature\":2,\"n\":100,\"logprobs\":20";

    @TempDir
    Path dir;

    private static void check(HttpResponse<String> answer, int status, String param, String code, String words) {
        assertEquals(status, answer.statusCode(), answer.body());
        JsonObject error = Json.parse(answer.body()).getAsJsonObject("error");
        assertEquals(param, error.get("param").isJsonNull() ? null : error.get("param").getAsString(), answer.body());
        assertEquals(code, error.get("code").isJsonNull() ? null : error.get("code").getAsString(), answer.body());
        assertTrue(error.get("message").getAsString().contains(words), answer.body());
        assertEquals(status < 500 && status != 429 ? "invalid_request_error"
                : status == 429 ? "rate_limit_error" : "server_error", error.get("type").getAsString());
        assertTrue(answer.headers().firstValue("X-Request-Id").isPresent());
    }

    /** More than could ever wait, or be held in memory, is refused at once, and not with "try again". */
    @Test
    void whatCanNeverBeServedIsRefused() {
        try (Client client = new Client(Map.of(ServeOptions.MAX_CHOICES, "1024"))) {
            check(client
                    .post("{\"prompt\":[\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\"],\"n\":128,\"max_tokens\":50,"
                            + "\"logprobs\":20}"),
                    400, "logprobs", null, "51200 tokens: that is 1075200 log-probabilities");
        }
        try (Client client = new Client(Map.of(ServeOptions.MAX_WAITING, "3"))) {
            check(client.post("{\"n\":4}"), 400, "prompt", null, "at most 3 for a request");
        }
    }

    @Test
    void everyFieldIsChecked() {
        try (Client client = new Client(Map.of(ServeOptions.MAX_TOKENS, "50", ServeOptions.MAX_CHOICES, "6"))) {
            for (String[] wrong : new String[][] {
                {"\"max_tokens\":-1", "max_tokens", "'max_tokens' is -1, expected a whole number from 0"},
                {"\"max_tokens\":1.5", "max_tokens", "is 1.5, expected a whole number"},
                {"\"max_tokens\":\"5\"", "max_tokens", "is \"5\", expected a whole number"},
                {"\"max_tokens\":51", "max_tokens", "at most 50"},
                {"\"max_tokens\":1e400", null, "not a valid JSON object"},
                {"\"temperature\":-0.1", "temperature", "a number from 0 to 2"},
                {"\"temperature\":2.1", "temperature", "a number from 0 to 2"},
                {"\"temperature\":true", "temperature", "is true, expected a number"},
                {"\"top_p\":1.01", "top_p", "a number from 0 to 1"},
                {"\"top_k\":-2", "top_k", "a whole number from -1"},
                {"\"n\":0", "n", "a whole number from 1 to 128"},
                {"\"n\":7", "prompt", "at most 6"},
                {"\"prompt\":[\"a\",\"b\"],\"n\":4", "prompt", "2 prompts times n = 4 are 8"},
                {"\"n\":2,\"best_of\":1", "best_of", "at least n, which is 2"},
                {"\"logprobs\":21", "logprobs", "from 0 to 20"},
                {"\"logprobs\":true", "logprobs", "a whole number"},
                {"\"echo\":1", "echo", "true or false"},
                {"\"stream\":\"yes\"", "stream", "true or false"},
                {"\"stream_options\":{}", "stream_options", "stream: true"},
                {"\"stop\":\"\"", "stop", "0 characters"},
                {"\"stop\":[1]", "stop", "a string or a list"},
                {"\"stop\":[[\"a\"]]", "stop", "a string or a list"},
                {"\"seed\":1e30", "seed", "a whole number"},
                {"\"prompt\":[]", "prompt", "an empty list"},
                {"\"prompt\":{}", "prompt", "is an object, expected a string, a list"},
                {"\"prompt\":7", "prompt", "is 7, expected a string, a list"},
                {"\"prompt\":[1,\"a\"]", "prompt[1]", "the id of a token"},
                {"\"prompt\":[\"a\",[1]],\"n\":1,\"echo\":7", "echo", "true or false"},
                {"\"prompt\":[400]", "prompt[0]", "below 400"},
                {"\"prompt\":[[1],[-1]]", "prompt[1][0]", "the id of a token"},
                {"\"prompt\":[true]", "prompt[0]", "the id of a token"},
                {"\"model\":5", "model", "a string"},
                {"\"user\":5", "user", "a string"}}) {
                HttpResponse<String> answer = client.post("{" + wrong[0] + "}");
                check(answer, 400, wrong[1], wrong[1] == null ? "invalid_json" : null, wrong[2]);
            }
            for (String[] refused : new String[][] {{"\"suffix\":\"x\"", "suffix"}, {"\"best_of\":3", "best_of"},
                {"\"logit_bias\":{\"5\":1}", "logit_bias"}, {"\"presence_penalty\":1", "presence_penalty"},
                {"\"frequency_penalty\":-1", "frequency_penalty"}, {"\"min_p\":0.1", "min_p"},
                {"\"stream\":true,\"stream_options\":{\"x\":1}", "stream_options.x"}}) {
                check(client.post("{" + refused[0] + "}"), 400, refused[1], "unsupported_parameter", refused[1]);
            }
            assertEquals(200, client.post("{\"suffix\":null,\"best_of\":1,\"logit_bias\":{},\"presence_penalty\":0,"
                    + "\"frequency_penalty\":0.0,\"user\":\"me\",\"top_k\":-1,\"top_p\":0,\"stop\":null,\"n\":1.0}")
                    .statusCode());
            check(client.post("{\"prompt\":\"" + "The river ".repeat(10) + "\",\"max_tokens\":50}"), 400, "prompt",
                    "context_length_exceeded", "the model's context has 64 tokens, but ");
            check(client.post("{\"model\":\"gpt-5\"}"), 404, "model", "model_not_found", "this server has 'small'");
            for (String body : List.of("", "[]", "{", "{\"n\":1,\"n\":2}", "{} {}", "nul", "{\"a\":NaN}", "\0")) {
                check(client.post(body), 400, null, "invalid_json", "the body is ");
            }
            assertEquals(0, client.metric("eslm_num_requests_running"));
        }
    }

    @Test
    void pathsAndMethods() {
        try (Client client = new Client(Map.of(ServeOptions.MODEL_NAME, "a \"name\""))) {
            assertEquals("{\"status\":\"ok\"}", client.get("/health").body());
            JsonObject model = Json.parse(client.get("/v1/models").body()).getAsJsonArray("data").get(0)
                    .getAsJsonObject();
            assertEquals("a \"name\"", model.get("id").getAsString());
            assertEquals(64, model.get("max_model_len").getAsInt());
            assertEquals(model, Json.parse(client.get("/v1/models/a%20%22name%22").body()));
            check(client.get("/v1/models/other"), 404, "model", "model_not_found", "'other' is not served");
            check(client.get("/v1/embeddings"), 404, null, "unknown_url", "/v1/embeddings");
            check(client.get("/v1/chat/completions"), 404, null, "unknown_url", "does not chat");
            HttpResponse<String> wrong = client.get("/v1/completions");
            check(wrong, 405, null, "method_not_allowed", "takes POST, not GET");
            assertEquals("POST", wrong.headers().firstValue("Allow").orElse(""));
            assertEquals("my-id.1", client.get("/health", "X-Request-Id", "my-id.1").headers()
                    .firstValue("X-Request-Id").orElse(""));
            assertTrue(client.get("/health", "X-Request-Id", "a b").headers().firstValue("X-Request-Id").orElse("")
                    .matches("[0-9a-f]{16}"));
            String metrics = client.get("/metrics").body();
            assertTrue(metrics.contains("eslm_model_info{model_name=\"a \\\"name\\\"\"} 1\n"), metrics);
            assertTrue(metrics.lines().allMatch(line -> line.startsWith("# ") || line.matches(
                    "[a-z0-9_]+(\\{[a-z_]+=\"([^\"\\\\]|\\\\.)*\"\\})? [0-9.E+-]+")), metrics);
            assertTrue(client.log.stream().anyMatch(line -> line.matches("GET /v1/completions 405 0\\.\\d+ s .*")),
                    client.log.toString());
        }
    }

    @Test
    void bodiesAreLimitedInSizeTypeAndTime() throws IOException {
        try (Client client = new Client(Map.of(ServeOptions.MAX_BODY_MB, "1"))) {
            String large = "{\"prompt\":\"" + "a".repeat(1 << 21) + "\"}";
            check(client.post(large), 413, null, "request_too_large", "more than 1048576 bytes");
            assertTrue(raw(client, "POST /v1/completions", "Content-Type: text/plain\r\nContent-Length: 2", "{}")
                    .startsWith("HTTP/1.1 415"));
            assertTrue(raw(client, "POST /v1/completions", "Content-Length: 2", "{}").startsWith("HTTP/1.1 200"));
        }
    }

    private static Socket open(Client client, String line, String headers, String body) throws IOException {
        Socket socket = new Socket(InetAddress.getLoopbackAddress(), client.port());
        String all = line + " HTTP/1.1\r\nHost: 127.0.0.1:" + client.port() + "\r\nConnection: close\r\n" + headers
                + "\r\n\r\n" + body;
        socket.getOutputStream().write(all.getBytes(StandardCharsets.UTF_8));
        socket.getOutputStream().flush();
        return socket;
    }

    private static String raw(Client client, String line, String headers, String body) throws IOException {
        try (Socket socket = open(client, line, headers, body)) {
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    /** A page in the user's browser, and a foreign name that points here: DNS rebinding. */
    @Test
    void withoutAKeyWebPagesAreRefused() throws IOException {
        try (Client client = new Client()) {
            assertTrue(raw(client, "GET /v1/models", "Origin: http://evil.example", "").startsWith("HTTP/1.1 403"));
            try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), client.port())) {
                socket.getOutputStream()
                        .write("GET /v1/models HTTP/1.1\r\nHost: evil.example:8000\r\nConnection: close\r\n\r\n"
                                .getBytes(StandardCharsets.UTF_8));
                assertTrue(new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8)
                        .startsWith("HTTP/1.1 403"));
            }
            try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), client.port())) {
                socket.getOutputStream()
                        .write("GET /v1/models HTTP/1.1\r\nHost: localhost:1\r\nConnection: close\r\n\r\n"
                                .getBytes(StandardCharsets.UTF_8));
                assertTrue(new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8)
                        .startsWith("HTTP/1.1 200"), "through a tunnel from another port");
            }
        }
    }

    @Test
    void keysAreAskedForAndOtherMachinesNeedThem() throws IOException {
        Path file = Files.writeString(dir.resolve("keys"), "first-key\n\n  second/key \n");
        Map<Option<?>, String> open = Map.of(ServeOptions.API_KEY_FILE, file.toString(), ServeOptions.HOST, "0.0.0.0");
        try (Client client = new Client(open)) {
            assertTrue(client.server.isPublic());
            for (String key : List.of("Bearer first-key", "bearer second/key")) {
                assertEquals(200, client.get("/v1/models", "Authorization", key, "Origin", "http://a.example")
                        .statusCode());
            }
            for (String key : List.of("Bearer first-ke", "Bearer first-keyx", "Bearer", "first-key", "Basic first-key",
                    "Bearer first-key second/key")) {
                HttpResponse<String> answer = client.post("{}", "Authorization", key);
                check(answer, 401, null, "invalid_api_key", "Authorization: Bearer KEY");
                assertEquals("Bearer", answer.headers().firstValue("WWW-Authenticate").orElse(""));
            }
            assertEquals(401, client.get("/metrics").statusCode());
            assertEquals(200, client.get("/health").statusCode());
        }
        var e = assertThrows(OptionError.class, () -> new Client(Map.of(ServeOptions.HOST, "0.0.0.0")).close());
        assertTrue(e.getMessage().startsWith("host 0.0.0.0: lets other machines use the model. Give an api key file"),
                e.getMessage());
        Path empty = Files.writeString(dir.resolve("empty"), "\n");
        e = assertThrows(OptionError.class,
                () -> new Client(Map.of(ServeOptions.API_KEY_FILE, empty.toString())).close());
        assertTrue(e.getMessage().contains("holds no key"), e.getMessage());
        Files.writeString(empty, "two words\n");
        e = assertThrows(OptionError.class,
                () -> new Client(Map.of(ServeOptions.API_KEY_FILE, empty.toString())).close());
        assertTrue(e.getMessage().contains("key 1 must have"), e.getMessage());
        assertFalse(e.getMessage().contains("two words"), "keys are not shown");
    }

    @Test
    void aFullQueueSaysTryAgain() {
        try (Client client = new Client(Map.of(ServeOptions.MAX_RUNNING, "1", ServeOptions.MAX_WAITING, "2"))) {
            Semaphore permits = occupy(client);
            var waiting = CompletableFuture.supplyAsync(() -> client.post("{\"n\":2}"));
            await(() -> client.server.generator().stats().waiting() == 2);
            HttpResponse<String> answer = client.post("{}");
            check(answer, 429, null, "rate_limit_exceeded", "try again later");
            assertEquals("1", answer.headers().firstValue("Retry-After").orElse(""));
            permits.release(3);
            assertEquals(200, waiting.join().statusCode(), "who waited is served");
            await(() -> client.metric("eslm_num_requests_running") + client.metric("eslm_num_requests_waiting") == 0);
            assertEquals(200, client.post("{}").statusCode());
        }
    }

    /** A sequence that waits for a permit with each of its three tokens; so long, everything else waits too. */
    private static Semaphore occupy(Client client) {
        Semaphore permits = new Semaphore(0);
        int[] made = {0};
        client.server.generator().submit(Request.of(Client.TOKENIZER.encode("The river ran"), Sampling.greedy(20)),
                new Listener() {
                    @Override
                    public boolean onToken(int id, TokenLogprobs logprobs) {
                        permits.acquireUninterruptibly();
                        return ++made[0] < 3;
                    }

                    @Override
                    public void onEnd(Generation.End end, Throwable error) {
                        // its place is free
                    }
                });
        await(() -> client.server.generator().stats().promptTokens() > 0 || permits.hasQueuedThreads());
        return permits;
    }

    /** Of a stream, the status is out by then. */
    @Test
    void aRequestThatTakesTooLongIsGivenUp() {
        try (Client client = new Client(Map.of(ServeOptions.TIME_LIMIT, "1"))) {
            Semaphore permits = occupy(client);
            check(client.post("{}"), 504, null, "timeout", "longer than 1 s");
            String stream = client.post("{\"stream\":true}").body();
            assertTrue(stream.startsWith(": waiting\n\n")
                    && stream.contains("data: {\"error\":{\"message\":\"the request took")
                    && !stream.contains("[DONE]"), stream);
            permits.release(3);
            await(() -> client.metric("eslm_num_requests_running") + client.metric("eslm_num_requests_waiting") == 0);
            assertEquals(200, client.post("{}").statusCode());
        }
    }

    /** In a stream, and where the answer comes as a whole: after its first tokens, no more are made. */
    @Test
    void aClientThatIsGoneFreesItsPlace() throws IOException {
        for (String kind : List.of(",\"stream\":true}", "}")) {
            try (Client client = new Client(Map.of(), Duration.ofMillis(5))) {
                Semaphore permits = occupy(client);
                String body = "{\"prompt\":\"The river ran\",\"temperature\":0,\"max_tokens\":40,\"n\":4" + kind;
                try (Socket socket = open(client, "POST /v1/completions", "Content-Length: " + body.length(), body)) {
                    await(() -> client.server.generator().stats().waiting() == 4);
                    permits.release(2);
                    assertEquals('H', socket.getInputStream().read(), "it has begun");
                }
                await(() -> client.server.underWay() == 0);
                permits.release();
                await(() -> client.metric("eslm_num_requests_running")
                        + client.metric("eslm_num_requests_waiting") == 0);
                assertEquals(1, client.metric("eslm_clients_gone_total"), kind);
                assertTrue(client.metric("eslm_generation_tokens_total") <= 3 + 4 * 3, kind);
            }
        }
    }

    /** A long answer comes with white space before it, and is still one JSON object. */
    @Test
    void aLongAnswerShowsSignsOfLife() {
        try (Client client = new Client(Map.of(), Duration.ofNanos(1))) {
            HttpResponse<String> answer = client.post(LONG + "}");
            assertTrue(answer.body().startsWith(" "));
            assertEquals(100, Json.parse(answer.body().strip()).getAsJsonArray("choices").size());
        }
    }

    @Test
    void closingLetsRequestsEnd() {
        Client client = new Client();
        List<CompletableFuture<HttpResponse<String>>> answers = IntStream.range(0, 4)
                .mapToObj(_ -> CompletableFuture.supplyAsync(() -> client.post("{\"max_tokens\":60,\"n\":3}")))
                .toList();
        await(() -> client.server.underWay() == 4 || answers.stream().allMatch(CompletableFuture::isDone));
        client.server.close();
        answers.forEach(answer -> assertEquals(200, answer.join().statusCode()));
    }

    @Test
    void closingCutsWhatDoesNotEnd() {
        Client client = new Client(Map.of(ServeOptions.GRACE, "0"));
        Semaphore permits = occupy(client);
        List<CompletableFuture<HttpResponse<String>>> answers = IntStream.range(0, 4)
                .mapToObj(_ -> CompletableFuture.supplyAsync(() -> client.post("{}"))).toList();
        await(() -> client.server.generator().stats().waiting() == 4);
        CompletableFuture<?> closed = CompletableFuture.runAsync(client.server::close);
        await(() -> client.get("/health").statusCode() == 503);
        permits.release(3);
        closed.join();
        answers.forEach(answer -> check(answer.join(), 503, null, "stopping", "the server stopped before"));
        assertEquals(0, client.server.underWay());
    }

    @Test
    void aCacheThatIsTooSmall() {
        var e = assertThrows(OptionError.class, () -> ServedModel.open(Client.MODEL, Client.TOKENIZER, "m",
                new ServeOptions("", 0, Optional.empty(), Optional.empty(), 1, 1, 1, 1, 1, Optional.of(1000L),
                        Duration.ZERO, Duration.ZERO)));
        assertEquals(
                "cache mb 0: must be at least 1, the keys and values of one text as long as the context of 64 tokens",
                e.getMessage());
    }

    private static void await(BooleanSupplier done) {
        for (int i = 0; i < 3000 && !done.getAsBoolean(); i++) {
            try {
                Thread.sleep(10);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
        }
        assertTrue(done.getAsBoolean());
    }
}
