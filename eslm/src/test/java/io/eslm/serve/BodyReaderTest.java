// SPDX-License-Identifier: Apache-2.0
package io.eslm.serve;

import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.Test;

/** A body that never comes. */
class BodyReaderTest {
    @Test
    void aSlowBodyIsGivenUp() throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            server.setExecutor(threads);
            BodyReader reader = new BodyReader(100, Duration.ofMillis(20));
            server.createContext("/", exchange -> {
                try {
                    reader.read(exchange);
                } catch (ApiError e) {
                    new Answer(exchange, "id").error(e);
                } catch (InterruptedException e) {
                    throw new IOException(e);
                }
            });
            server.start();
            try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.getAddress().getPort())) {
                socket.getOutputStream().write("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{"
                        .getBytes(StandardCharsets.UTF_8));
                String head = new String(socket.getInputStream().readNBytes(32), StandardCharsets.UTF_8);
                assertTrue(head.startsWith("HTTP/1.1 408"), head);
                assertTrue(new String(socket.getInputStream().readNBytes(250), StandardCharsets.UTF_8)
                        .contains("the body did not arrive within"));
            } finally {
                server.stop(0);
            }
        }
    }
}
