// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data.source;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.eslm.tensor.UserError;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DownloadTest {
    private static final byte[] FILE = new byte[300_000];

    static {
        new SplittableRandom(1).nextBytes(FILE);
    }

    @TempDir
    private Path dir;
    private HttpServer server;
    private final AtomicInteger requests = new AtomicInteger();
    private final CountDownLatch end = new CountDownLatch(1);
    /** What the server sends of the file before it breaks off. */
    private volatile int most = FILE.length;
    private volatile String version = "\"one\"";

    @BeforeEach
    void serve() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
        server.createContext("/data.jsonl", this::file);
        server.createContext("/moved", exchange -> {
            exchange.getResponseHeaders().set("Location", "/data.jsonl");
            exchange.sendResponseHeaders(302, -1);
            exchange.close();
        });
        server.createContext("/circle", exchange -> {
            exchange.getResponseHeaders().set("Location", "/circle");
            exchange.sendResponseHeaders(302, -1);
            exchange.close();
        });
        server.createContext("/page", exchange -> {
            exchange.getResponseHeaders().set("Content-Type", "text/html; charset=utf-8");
            exchange.sendResponseHeaders(200, 0);
            exchange.close();
        });
        server.createContext("/silent", exchange -> {
            exchange.sendResponseHeaders(200, 1000);
            exchange.getResponseBody().write(1);
            exchange.getResponseBody().flush();
            try {
                end.await(20, TimeUnit.SECONDS);
            } catch (InterruptedException _) {
                Thread.currentThread().interrupt();
            }
            exchange.close();
        });
        server.start();
    }

    @AfterEach
    void stop() {
        end.countDown();
        server.stop(0);
    }

    /** How far the server is off when it tells where a part begins. */
    private volatile int shift;

    private void file(HttpExchange exchange) throws IOException {
        requests.incrementAndGet();
        String range = exchange.getRequestHeaders().getFirst("Range");
        boolean rest = range != null && version.equals(exchange.getRequestHeaders().getFirst("If-Range"));
        int from = rest ? Integer.parseInt(range.replaceAll("\\D", "")) : 0;
        exchange.getResponseHeaders().set("ETag", version);
        if (rest && from >= FILE.length) {
            exchange.sendResponseHeaders(416, -1);
            exchange.close();
            return;
        }
        if (rest) {
            exchange.getResponseHeaders().set("Content-Range", "bytes " + (from + shift) + "-" + (FILE.length - 1) + "/"
                    + FILE.length);
        }
        exchange.sendResponseHeaders(rest ? 206 : 200, FILE.length - from);
        exchange.getResponseBody().write(FILE, from, Math.max(0, Math.min(most, FILE.length) - from));
        exchange.getResponseBody().flush();
        exchange.close();
    }

    private Path get(String path) {
        Path target = dir.resolve("copy");
        URI address = URI.create("http://localhost:" + server.getAddress().getPort() + path);
        new Download(address, target, Duration.ofSeconds(2)).run((done, total) -> assertTrue(done <= total));
        return target;
    }

    private void refused(String path, String why) {
        String message = refused(path);
        assertTrue(message.contains(why), message);
    }

    private String refused(String path) {
        String message = assertThrows(UserError.class, () -> get(path)).getMessage();
        assertFalse(Files.exists(dir.resolve("copy")), "what is not whole has not the name");
        return message;
    }

    @Test
    void aFileIsCopiedAlsoFromWhereItWasMoved() throws IOException {
        assertArrayEquals(FILE, Files.readAllBytes(get("/data.jsonl")));
        Files.delete(dir.resolve("copy"));
        assertArrayEquals(FILE, Files.readAllBytes(get("/moved")));
        int before = requests.get();
        get("/data.jsonl");
        assertEquals(before, requests.get(), "a copy that is there is not fetched again");
        try (var files = Files.list(dir)) {
            assertEquals(1, files.count(), "nothing beside the copy");
        }
    }

    @Test
    void aCopyThatBrokeOffGoesOnIfTheFileIsTheSame() throws IOException {
        most = 100_000;
        assertTrue(refused("/data.jsonl").contains("Start again to go on with it"));
        long have = Files.size(dir.resolve("copy.part"));
        assertTrue(have > 0 && have <= 100_000, () -> "has " + have);
        most = FILE.length;
        Path part = dir.resolve("copy.part");
        byte[] bytes = Files.readAllBytes(part);
        bytes[0]++;
        Files.write(part, bytes); // to see that it is not fetched again
        byte[] expected = FILE.clone();
        expected[0]++;
        assertArrayEquals(expected, Files.readAllBytes(get("/data.jsonl")));
    }

    /** Killed when all bytes were there, but before the copy got its name. */
    @Test
    void aWholePartIsFetchedAgain() throws IOException {
        most = 100_000;
        refused("/data.jsonl");
        Files.write(dir.resolve("copy.part"), FILE);
        most = FILE.length;
        assertTrue(refused("/data.jsonl").contains("does not have the rest of the part that is here. Start again"));
        assertArrayEquals(FILE, Files.readAllBytes(get("/data.jsonl")));
    }

    @Test
    void anotherPartThanAskedForIsRefused() {
        most = 100_000;
        refused("/data.jsonl");
        most = FILE.length;
        shift = 7;
        refused("/data.jsonl", "sends another part than the one after byte");
    }

    @Test
    void anotherVersionBeginsAnew() throws IOException {
        most = 100_000;
        refused("/data.jsonl");
        version = "\"two\"";
        most = FILE.length;
        assertArrayEquals(FILE, Files.readAllBytes(get("/data.jsonl")));
    }

    @Test
    void whatIsNoFileIsRefused() {
        refused("/nothing", "answers 404 (there is no such file)");
        refused("/page", "with a web page");
        refused("/circle", "answers 302");
        refused("/silent", "nothing came for 2 seconds");
        assertTrue(
                assertThrows(UserError.class, () -> Download.to(URI.create("http:/x"), dir.resolve("copy"), (_, _) -> {
                })).getMessage().contains("no host"));
        end.countDown();
        server.stop(0);
        refused("/data.jsonl", "cannot download");
    }
}
