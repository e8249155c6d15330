// SPDX-License-Identifier: Apache-2.0
package io.eslm.web;

import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.eslm.gpt2.option.Option;
import io.eslm.tensor.UserError;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.System.Logger.Level;
import java.net.URI;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * A small web server for one program and its user, on the JDK's own, with a virtual thread for each request. It answers only
 * requests that mean it ({@link SiteName}) and know its secret ({@link Access}). Handlers of GET change nothing; what changes something is a POST.
 */
public final class HttpSite implements AutoCloseable {
    /** Where to listen. Whoever reaches a host other than this machine's own loopback address needs only the token. */
    public static final Option<String> HOST = Option.text("host", "HOST",
            "address to serve on; another one than the loopback address lets other machines in, without encryption")
            .must("be a name or an address", host -> !host.isBlank()).defaultsTo("127.0.0.1");
    /** The port of the page of a command that serves only. */
    public static final Option<Integer> PORT = Option.count("port", "port to serve on; 0: a free one")
            .must("be from 0 to 65535", n -> n >= 0 && n <= 65535).defaultsTo(0);

    private static final System.Logger LOG = System.getLogger(HttpSite.class.getName());
    private static final String TOKEN = "token";

    /** Answers a request. */
    @FunctionalInterface
    public interface Handler {
        Reply answer(Request request) throws IOException;
    }

    private final SiteName name;
    private final HttpServer server;
    private final ExecutorService threads;
    private final Access access;
    private final Map<String, Handler> gets = new ConcurrentHashMap<>();
    private final Map<String, Handler> posts = new ConcurrentHashMap<>();
    private final Map<String, EventHub> streams = new ConcurrentHashMap<>();

    private HttpSite(SiteName name) {
        this.name = name;
        server = name.server();
        access = new Access(server.getAddress().getPort());
        threads = Executors.newVirtualThreadPerTaskExecutor();
        server.setExecutor(threads);
        server.createContext("/", this::serve);
        server.start();
    }

    /**
     * Begins to serve.
     *
     * @param port of {@code portOption}; 0 for a free one
     * @throws io.eslm.gpt2.option.OptionError if the host is unknown or the port is taken
     */
    public static HttpSite open(String host, Option<Integer> portOption, int port) {
        return new HttpSite(SiteName.open(HOST, host, portOption, port));
    }

    /** Answers GET requests of that path. The handler must change nothing. */
    public HttpSite get(String path, Handler handler) {
        gets.put(path, handler);
        return this;
    }

    /** Answers POST requests of that path. */
    public HttpSite post(String path, Handler handler) {
        posts.put(path, handler);
        return this;
    }

    /** Streams the events of {@code hub} to GET requests of that path. */
    public HttpSite events(String path, EventHub hub) {
        streams.put(path, hub);
        return this;
    }

    /** The address with the token, for the user's eyes alone. */
    public URI address() {
        return URI.create(name.address() + "/?" + TOKEN + "=" + access.token());
    }

    /** True if other machines can reach it. */
    public boolean isPublic() {
        return name.isPublic();
    }

    private void serve(HttpExchange exchange) {
        try (exchange) {
            Request request = new Request(exchange);
            Optional<Reply> refusal = refusal(exchange.getRequestMethod(), request);
            String path = exchange.getRequestURI().getPath();
            if (refusal.isEmpty() && exchange.getRequestMethod().equals("GET") && streams.containsKey(path)) {
                stream(exchange, streams.get(path), request);
                return;
            }
            send(exchange, refusal.orElseGet(() -> answer(exchange.getRequestMethod(), path, request)),
                    refusal.isEmpty() && request.query(TOKEN).isPresent());
        } catch (IOException _) {
            // the client is gone
        }
    }

    private Optional<Reply> refusal(String method, Request request) {
        Optional<String> to = request.header("Host");
        if (!name.isHost(to)) {
            return Optional.of(Reply.text(403, "Wrong host: open the address that the program printed."));
        }
        if (!name.isOrigin(request.header("Origin"), to, !method.equals("GET"))) {
            return Optional.of(Reply.text(403, "Wrong origin: only this site's own page may send this."));
        }
        boolean known = access.knows(request.header("Cookie"))
                || method.equals("GET") && request.query(TOKEN).filter(access::isToken).isPresent();
        return known ? Optional.empty()
                : Optional.of(Reply.text(403,
                        "No access: open the whole address that the program printed, with its token."));
    }

    private Reply answer(String method, String path, Request request) {
        Map<String, Handler> handlers = method.equals("GET") ? gets : method.equals("POST") ? posts : Map.of();
        Handler handler = handlers.get(path);
        if (handler == null) {
            return gets.containsKey(path) || posts.containsKey(path) || streams.containsKey(path)
                    ? Reply.text(405, path + ": this method does nothing here.")
                    : Reply.text(404, "There is nothing here.");
        }
        try {
            return handler.answer(request);
        } catch (UserError e) {
            return Reply.text(500, e.getMessage());
        } catch (IOException e) {
            return Reply.text(400, String.valueOf(e.getMessage()));
        } catch (RuntimeException e) {
            LOG.log(Level.ERROR, "cannot answer " + path, e);
            return Reply.text(500, "This failed; the program's log says why.");
        }
    }

    private void send(HttpExchange exchange, Reply reply, boolean withCookie) throws IOException {
        Headers headers = common(exchange, reply.type(), reply.policy());
        if (withCookie) {
            headers.set("Set-Cookie", access.cookie());
        }
        exchange.sendResponseHeaders(reply.status(), reply.body().length == 0 ? -1 : reply.body().length);
        try (OutputStream out = exchange.getResponseBody()) {
            out.write(reply.body());
        }
    }

    private static Headers common(HttpExchange exchange, String type, String policy) {
        Headers headers = exchange.getResponseHeaders();
        headers.set("Content-Type", type);
        headers.set("Content-Security-Policy", policy);
        headers.set("X-Content-Type-Options", "nosniff");
        headers.set("Referrer-Policy", "no-referrer");
        headers.set("Cross-Origin-Resource-Policy", "same-origin");
        headers.set("Cache-Control", "no-store");
        return headers;
    }

    private void stream(HttpExchange exchange, EventHub hub, Request request) throws IOException {
        if (!hub.hasRoom()) {
            send(exchange, Reply.text(503, "Too many pages are open; close one."), false);
            return;
        }
        common(exchange, "text/event-stream", Reply.NOTHING);
        exchange.sendResponseHeaders(200, 0);
        hub.stream(exchange.getResponseBody(), request.header("Last-Event-ID"));
    }

    /** Ends every stream, and stops when the answers under way are sent, after a second at most. */
    @Override
    public void close() {
        streams.values().forEach(EventHub::close);
        server.stop(1);
        threads.shutdownNow();
    }
}
