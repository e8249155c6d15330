// SPDX-License-Identifier: Apache-2.0
package io.eslm.serve;

import io.eslm.report.Visible;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.generate.BatchGenerator;
import io.eslm.gpt2.option.OptionError;
import io.eslm.gpt2.tokenizer.Tokenizer;
import io.eslm.tensor.io.Json;
import io.eslm.web.SiteName;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Consumer;

/** Serves completions of one model over HTTP, as OpenAI's interface has it, with a virtual thread for each request. */
public final class ApiServer implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(ApiServer.class.getName());
    private static final Duration BEAT = Duration.ofSeconds(1);
    private static final String COMPLETIONS = "/v1/completions";
    private static final String MODELS = "/v1/models";
    private static final String HEALTH = "/health";
    private static final String METRICS = "/metrics";
    private static final Map<String, String> METHODS =
            Map.of(COMPLETIONS, "POST", MODELS, "GET", HEALTH, "GET", METRICS, "GET");

    private final ServedModel model;
    private final SiteName name;
    private final HttpServer server;
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final Optional<ApiKeys> keys;
    private final Duration grace;
    private final Consumer<String> log;
    private final Metrics metrics = new Metrics();
    private final CompletionHandler completions;
    private final BodyReader bodies;
    private final Object lock = new Object();
    private int underWay;
    private volatile boolean stopping;

    private ApiServer(ServedModel model, SiteName name, Optional<ApiKeys> keys, ServeOptions options,
            Consumer<String> log, Duration beat) {
        this.model = model;
        this.name = name;
        this.server = name.server();
        this.keys = keys;
        this.grace = options.grace();
        this.log = log;
        completions = new CompletionHandler(model, options, metrics, beat);
        bodies = new BodyReader(options.maxBodyBytes());
        server.setExecutor(threads);
        server.createContext("/", this::serve);
        server.start();
    }

    /**
     * Begins to serve.
     *
     * @param modelName what clients call the model, unless {@code options} name it
     * @param log receives a line for each request
     * @throws OptionError if it cannot serve there, if the keys cannot be read, if other machines could use it without a key, or if the
     *         cache is too small for the model
     */
    public static ApiServer open(Gpt2 model, Tokenizer tokenizer, String modelName, ServeOptions options,
            Consumer<String> log) {
        return open(model, tokenizer, modelName, options, log, BEAT);
    }

    static ApiServer open(Gpt2 model, Tokenizer tokenizer, String modelName, ServeOptions options, Consumer<String> log,
            Duration beat) {
        Optional<ApiKeys> keys = options.apiKeyFile().map(ApiKeys::read);
        SiteName name = SiteName.open(ServeOptions.HOST, options.host(), ServeOptions.PORT, options.port());
        try {
            if (name.isPublic() && keys.isEmpty()) {
                throw new OptionError(ServeOptions.HOST, options.host(), "lets other machines use the model. Give an "
                        + ServeOptions.API_KEY_FILE
                        + " with a key that they must know, or serve on the loopback address");
            }
            return new ApiServer(ServedModel.open(model, tokenizer, options.name().orElse(modelName), options), name,
                    keys, options, log, beat);
        } catch (RuntimeException e) {
            name.server().stop(0);
            throw e;
        }
    }

    /** "http://host:port". */
    public String address() {
        return name.address();
    }

    /** True if other machines can reach it. */
    public boolean isPublic() {
        return name.isPublic();
    }

    /** False once the model cannot go on, because memory ran out at the wrong moment. */
    public boolean isAlive() {
        return !model.generator().isClosed();
    }

    /** What clients call the model. */
    public String modelName() {
        return model.name();
    }

    /** Bytes of the keys and values of all sequences. */
    public long cacheBytes() {
        return model.generator().poolBytes();
    }

    private void serve(HttpExchange exchange) throws IOException {
        long arrived = System.nanoTime();
        Answer answer = new Answer(exchange, requestId(exchange));
        String said = "";
        count(1);
        try {
            said = route(exchange, answer, arrived);
        } catch (ApiError e) {
            said = e.getMessage();
            fail(exchange, answer, e);
        } catch (IOException e) {
            said = "the client is gone";
            metrics.gone();
            throw e; // which closes the connection
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            fail(exchange, answer, stoppingError());
        } catch (RuntimeException | Error e) {
            said = e.toString();
            failed(exchange, answer, e);
        } finally {
            count(-1);
            metrics.answered(answer.status());
            log.accept(line(exchange, answer, arrived, said));
        }
    }

    private static void failed(HttpExchange exchange, Answer answer, Throwable e) throws IOException {
        try {
            LOG.log(Level.ERROR, "cannot answer a request", e);
            fail(exchange, answer, ApiError.server(500, null, "this failed; the server's log says why"));
        } catch (Error again) { // the JDK's server closes the connection after an exception alone
            exchange.close();
            throw again;
        }
    }

    private static void fail(HttpExchange exchange, Answer answer, ApiError e) throws IOException {
        if (answer.isCommitted()) {
            throw new IOException(e.getMessage()); // closes the connection, so that the client sees that its answer is cut
        }
        if (e.status() == 408 || e.status() == 413) {
            answer.header("Connection", "close"); // the rest of the body is not read
        }
        answer.error(e);
        exchange.close();
    }

    private static String line(HttpExchange exchange, Answer answer, long arrived, String said) {
        return String.format(Locale.ROOT, "%s %s %d %.3f s %s %s", exchange.getRequestMethod(),
                exchange.getRequestURI().getRawPath(), answer.status(), (System.nanoTime() - arrived) * 1e-9,
                answer.requestId(), Visible.line(said)).stripTrailing();
    }

    /** The client's own, if it is a plain word. */
    private static String requestId(HttpExchange exchange) {
        return header(exchange, "X-Request-Id").filter(id -> id.matches("[\\w.-]{1,64}"))
                .orElseGet(() -> HexFormat.of().toHexDigits(ThreadLocalRandom.current().nextLong()));
    }

    private static Optional<String> header(HttpExchange exchange, String header) {
        return Optional.ofNullable(exchange.getRequestHeaders().getFirst(header));
    }

    private String route(HttpExchange exchange, Answer answer, long arrived) throws IOException, InterruptedException {
        String path = Optional.ofNullable(exchange.getRequestURI().getPath()).orElse("");
        checkAccess(exchange, path);
        String method = exchange.getRequestMethod();
        boolean one = path.startsWith(MODELS + "/");
        String allowed = one ? "GET" : METHODS.get(path);
        if (allowed == null) {
            throw ApiError.invalid(404, "unknown_url", path.startsWith("/v1/chat/")
                    ? "the model continues texts and does not chat: use " + COMPLETIONS
                    : "there is nothing at " + Json.shown(path) + ". Completions are at " + COMPLETIONS);
        }
        if (!method.equals(allowed) && !(method.equals("HEAD") && allowed.equals("GET"))) {
            answer.header("Allow", allowed);
            throw ApiError.invalid(405, "method_not_allowed", path + " takes " + allowed + ", not " + method);
        }
        if (stopping) {
            throw stoppingError();
        }
        if (allowed.equals("POST")) {
            return completions.answer(bodies.read(exchange), answer, arrived);
        }
        if (one) {
            String id = path.substring(MODELS.length() + 1);
            if (!id.equals(model.name())) {
                throw ApiError.noModel(Json.shown(id), model.name());
            }
        }
        switch (one ? "" : path) {
            case HEALTH -> {
                if (!isAlive()) {
                    throw ApiError.server(503, null, "the model has stopped; the server's log says why");
                }
                answer.whole(200, Answer.JSON, "{\"status\":\"ok\"}");
            }
            case METRICS -> answer.whole(200, Metrics.TYPE, metrics.text(model.name(), model.generator().stats()));
            case MODELS -> answer.whole(200, Answer.JSON, models());
            default -> answer.whole(200, Answer.JSON, Json.line(modelJson()));
        }
        return "";
    }

    private void checkAccess(HttpExchange exchange, String path) {
        if (keys.isPresent()) {
            if (!path.equals(HEALTH) && !keys.get().allow(header(exchange, "Authorization"))) {
                throw ApiError.invalid(401, "invalid_api_key",
                        "the API key is missing or wrong: send the header Authorization: Bearer KEY");
            }
            return;
        }
        Optional<String> host = header(exchange, "Host");
        if (!name.isNamed(host)) { // without a key, a web page of this machine's user must not get at the model
            throw ApiError.invalid(403, "wrong_host", "the header Host names another machine; use the address that the "
                    + "server printed, or a server with a key");
        }
        if (!name.isOrigin(header(exchange, "Origin"), host, false)) {
            throw ApiError.invalid(403, "wrong_origin", "web pages of other sites may not use this server");
        }
    }

    private static ApiError stoppingError() {
        return ApiError.server(503, "stopping", "the server is stopping");
    }

    private JsonObject modelJson() {
        JsonObject o = new JsonObject();
        o.addProperty("id", model.name());
        o.addProperty("object", "model");
        o.addProperty("created", model.created());
        o.addProperty("owned_by", "eslm");
        o.addProperty("max_model_len", model.context());
        return o;
    }

    private String models() {
        JsonArray data = new JsonArray();
        data.add(modelJson());
        JsonObject o = new JsonObject();
        o.addProperty("object", "list");
        o.add("data", data);
        return Json.line(o);
    }

    /** Takes no more requests, lets those under way end, cuts them when the time of grace is over, and frees the model's memory. */
    @Override
    public void close() {
        stopping = true;
        awaitRequests(grace);
        model.close(); // ends what still runs; each of those requests says so to its client
        awaitRequests(BEAT);
        server.stop(0);
        threads.shutdownNow();
    }

    private void count(int more) {
        synchronized (lock) {
            underWay += more;
            lock.notifyAll();
        }
    }

    /** Requests that are not answered yet. */
    int underWay() {
        synchronized (lock) {
            return underWay;
        }
    }

    BatchGenerator generator() {
        return model.generator();
    }

    private void awaitRequests(Duration most) {
        long until = System.nanoTime() + most.toNanos();
        synchronized (lock) {
            try {
                for (long left = most.toMillis(); underWay > 0 && left > 0;
                        left = (until - System.nanoTime()) / 1_000_000) {
                    lock.wait(left);
                }
            } catch (InterruptedException _) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
