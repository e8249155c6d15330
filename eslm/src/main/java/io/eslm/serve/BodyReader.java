// SPDX-License-Identifier: Apache-2.0
package io.eslm.serve;

import com.sun.net.httpserver.HttpExchange;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Reads the bodies of requests, within limits of size and time. */
final class BodyReader {
    /** Shorter than the time after which the JDK's server closes the connection without a word. */
    private static final Duration PATIENCE = Duration.ofSeconds(25);
    /** Of a body that is too large, this much is read and dropped, so that the client comes to read the answer. */
    private static final int DROPPED = 1 << 26;

    private final int most;
    private final Duration patience;

    BodyReader(int most) {
        this(most, PATIENCE);
    }

    BodyReader(int most, Duration patience) {
        this.most = most;
        this.patience = patience;
    }

    /** @throws ApiError if it is too large, comes too slowly, or is no JSON by its type */
    byte[] read(HttpExchange exchange) throws IOException, InterruptedException {
        String type = exchange.getRequestHeaders().getFirst("Content-Type");
        if (type != null && !type.toLowerCase(Locale.ROOT).matches("\\s*application/([\\w.-]+\\+)?json\\s*(;.*)?")) {
            throw ApiError.invalid(415, "unsupported_media_type",
                    "the body must be JSON: send the header Content-Type: application/json");
        }
        InputStream in = exchange.getRequestBody();
        CompletableFuture<byte[]> body = new CompletableFuture<>();
        Thread.ofVirtual().start(() -> { // a thread of its own, because a read cannot be given up
            try {
                body.complete(read(in));
            } catch (Throwable e) { // whatever it is, somebody waits for it
                body.completeExceptionally(e);
            }
        });
        try {
            byte[] bytes = body.get(patience.toMillis(), TimeUnit.MILLISECONDS);
            if (bytes.length > most) {
                throw ApiError.invalid(413, "request_too_large",
                        "the body has more than " + most + " bytes, which is the limit here. Send less at a time");
            }
            return bytes;
        } catch (ExecutionException e) {
            throw e.getCause() instanceof IOException io ? io : new IOException(e.getCause());
        } catch (TimeoutException _) {
            throw ApiError.invalid(408, "timeout", "the body did not arrive within " + patience.toSeconds() + " s");
        }
    }

    private byte[] read(InputStream in) throws IOException {
        byte[] bytes = in.readNBytes(most + 1);
        if (bytes.length > most) {
            byte[] buffer = new byte[1 << 13];
            for (int n = 0, total = 0; n >= 0 && total < DROPPED; total += n) {
                n = in.read(buffer);
            }
        }
        return bytes;
    }
}
