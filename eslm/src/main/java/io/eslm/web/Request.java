// SPDX-License-Identifier: Apache-2.0
package io.eslm.web;

import com.sun.net.httpserver.HttpExchange;
import java.io.IOException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Optional;

/** What a handler may know of a request. */
public final class Request {
    private final HttpExchange exchange;

    Request(HttpExchange exchange) {
        this.exchange = exchange;
    }

    /** The first header of that name. */
    public Optional<String> header(String name) {
        return Optional.ofNullable(exchange.getRequestHeaders().getFirst(name));
    }

    /** The value of a query parameter. */
    public Optional<String> query(String name) {
        String query = exchange.getRequestURI().getRawQuery();
        return query == null ? Optional.empty() : Arrays.stream(query.split("&")).map(part -> part.split("=", 2))
                .filter(pair -> pair[0].equals(name) && pair.length == 2)
                .map(pair -> URLDecoder.decode(pair[1], StandardCharsets.UTF_8)).findFirst();
    }

    /**
     * The body as text.
     *
     * @throws IOException if it is longer than {@code most} bytes
     */
    public String body(int most) throws IOException {
        byte[] bytes = exchange.getRequestBody().readNBytes(most + 1);
        if (bytes.length > most) {
            throw new IOException("a body may have at most " + most + " bytes");
        }
        return new String(bytes, StandardCharsets.UTF_8);
    }
}
