// SPDX-License-Identifier: Apache-2.0
package io.eslm.serve;

import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;

/** The answer to one HTTP request: at once as a whole, or part by part. */
final class Answer {
    static final String JSON = "application/json";
    static final String EVENTS = "text/event-stream; charset=utf-8";

    private final HttpExchange exchange;
    private final String requestId;
    private int status;
    /** Once parts are sent. */
    private OutputStream parts;

    Answer(HttpExchange exchange, String requestId) {
        this.exchange = exchange;
        this.requestId = requestId;
    }

    String requestId() {
        return requestId;
    }

    /** 0 until there is one. */
    int status() {
        return status;
    }

    /** True once the status is sent, and with it all that can be said about success. */
    boolean isCommitted() {
        return status != 0;
    }

    private Headers head(String type) {
        Headers headers = exchange.getResponseHeaders();
        headers.set("Content-Type", type);
        headers.set("X-Request-Id", requestId);
        headers.set("X-Content-Type-Options", "nosniff");
        headers.set("Cache-Control", "no-store");
        return headers;
    }

    void header(String name, String value) {
        exchange.getResponseHeaders().set(name, value);
    }

    /** Sends all of it. */
    void whole(int code, String type, String text) throws IOException {
        byte[] body = text.getBytes(StandardCharsets.UTF_8);
        Headers headers = head(type);
        status = code;
        if (exchange.getRequestMethod().equals("HEAD")) {
            headers.set("Content-Length", String.valueOf(body.length));
            exchange.sendResponseHeaders(code, -1);
            return;
        }
        exchange.sendResponseHeaders(code, body.length);
        try (OutputStream out = exchange.getResponseBody()) {
            out.write(body);
        }
    }

    /** Sends an error, with what the client may do about it. */
    void error(ApiError e) throws IOException {
        if (e.status() == 429 || e.status() == 503) {
            header("Retry-After", "1");
        } else if (e.status() == 401) {
            header("WWW-Authenticate", "Bearer");
        }
        whole(e.status(), JSON, e.json());
    }

    /** Begins an answer of parts, with status 200. */
    void begin(String type) throws IOException {
        head(type);
        status = 200;
        exchange.sendResponseHeaders(200, 0);
        parts = exchange.getResponseBody();
    }

    /** Sends a part, after {@link #begin}. */
    void part(String text) throws IOException {
        parts.write(text.getBytes(StandardCharsets.UTF_8));
        parts.flush();
    }

    /** No more parts come. */
    void end() throws IOException {
        parts.close();
    }
}
