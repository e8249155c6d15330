// SPDX-License-Identifier: Apache-2.0
package io.eslm.web;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import io.eslm.gpt2.option.OptionError;
import io.eslm.tensor.UserError;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What the HTTP layer lets in, and what it does not. */
class HttpSiteTest {
    private final AtomicInteger changes = new AtomicInteger();
    private HttpSite site;
    private RawHttp http;

    @BeforeEach
    void serve() {
        site = HttpSite.open("127.0.0.1", HttpSite.PORT, 0)
                .get("/", _ -> Reply.page(Page.of("t", "<p>page", new JsonObject(), List.of(), List.of())))
                .get("/echo", request -> Reply.text(200, "it is " + request.query("what").orElse("nothing")))
                .get("/bad", _ -> {
                    throw new UserError("the file is gone");
                })
                .get("/broken", _ -> {
                    throw new IllegalStateException("secret");
                })
                .post("/change", request -> Reply.text(200, request.body(10) + changes.incrementAndGet()));
        http = new RawHttp(site.address());
    }

    @AfterEach
    void stop() {
        site.close();
    }

    @Test
    void theAddressOpensThePageAndGivesTheCookie() throws IOException {
        assertTrue(site.address().toString().matches("http://127\\.0\\.0\\.1:\\d+/\\?token=[\\w-]{22}"));
        assertFalse(site.isPublic());
        String answer = http.send("GET /?token=" + http.token(), http.host());
        assertTrue(answer.startsWith("HTTP/1.1 200"), answer);
        assertTrue(answer.contains("; Path=/; HttpOnly; SameSite=Strict"), answer);
        assertTrue(answer.contains("Content-security-policy: default-src 'none'; "), answer);
        assertTrue(answer.contains("; frame-ancestors 'none'") && answer.contains("X-content-type-options: nosniff")
                && answer.contains("Cache-control: no-store"), answer);
        String with = http.send("GET /echo?what=a%20b", http.host(), http.cookie());
        assertTrue(with.contains("it is a b"), with);
        assertFalse(with.contains("Set-cookie"), with);
    }

    @Test
    void withoutTheTokenThereIsNothing() throws IOException {
        assertEquals("403", http.status("GET /", http.host()));
        assertEquals("403", http.status("GET /nowhere", http.host()));
        assertEquals("403", http.status("GET /?token=", http.host()));
        assertEquals("403", http.status("GET /?token=" + "A".repeat(22), http.host()));
        assertEquals("403", http.status("GET /", http.host(), http.cookie() + "x"));
        assertEquals("403", http.status("GET /", http.host(), http.cookie().replaceFirst("eslm-\\d+", "eslm-1")));
        assertEquals("403", http.status("POST /change?token=" + http.token(), http.host(), http.origin()),
                "the address alone changes nothing");
        assertEquals("200", http.status("GET /", http.host(), "Cookie: a=b; " + http.cookie().substring(8)));
        assertEquals(0, changes.get());
    }

    /** A name that somebody else makes point to this machine: DNS rebinding. */
    @Test
    void aForeignHostIsRefused() throws IOException {
        int port = site.address().getPort();
        for (String host : List.of("evil.example:" + port, "127.0.0.1", "127.0.0.1:" + (port ^ 1), "localhost.:" + port,
                "10.0.0.1:" + port, "127.0.0.1.evil.example:" + port)) {
            assertEquals("403", http.status("GET /", "Host: " + host, http.cookie()), host);
        }
        assertEquals("403", http.status("GET /", http.cookie()), "none");
        for (String host : List.of("localhost:", "LOCALHOST:", "[::1]:")) {
            assertEquals("200", http.status("GET /", "Host: " + host + port, http.cookie()), host);
        }
    }

    @Test
    void anotherSitesPageChangesNothing() throws IOException {
        for (String origin : List.of("Origin: null", "Origin: http://evil.example", "Origin: https://127.0.0.1:1",
                "Origin: http://localhost:" + site.address().getPort(), "X: no origin")) {
            assertEquals("403", http.status("POST /change", http.host(), http.cookie(), origin, "Content-Length: 0"),
                    origin);
        }
        assertEquals("403", http.status("GET /echo", http.host(), http.cookie(), "Origin: http://evil.example"));
        assertEquals(0, changes.get());
        assertEquals("200", http.status("POST /change", http.host(), http.cookie(), http.origin(),
                "Content-Length: 0"));
        assertEquals(1, changes.get());
    }

    @Test
    void getChangesNothing() throws IOException {
        assertEquals("405", http.status("GET /change", http.host(), http.cookie(), http.origin()));
        assertEquals("405", http.status("PUT /change", http.host(), http.cookie(), http.origin()));
        assertEquals("405", http.status("POST /echo", http.host(), http.cookie(), http.origin(), "Content-Length: 0"));
        assertEquals("404", http.status("GET /nowhere", http.host(), http.cookie()));
        assertEquals(0, changes.get());
    }

    @Test
    void errorsSayWhatTheUserMayKnow() throws IOException {
        assertTrue(http.send("GET /bad", http.host(), http.cookie()).contains("the file is gone"));
        String broken = http.send("GET /broken", http.host(), http.cookie());
        assertTrue(broken.startsWith("HTTP/1.1 500") && !broken.contains("secret"), broken);
        try (Socket socket = http.open("POST /change", http.host(), http.cookie(), http.origin(),
                "Content-Length: 11")) {
            socket.getOutputStream().write(new byte[11]);
            socket.getOutputStream().flush();
            String answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertTrue(answer.startsWith("HTTP/1.1 400") && answer.contains("at most 10 bytes"), answer);
        }
        assertEquals(0, changes.get());
    }

    @Test
    void portsAndHostsThatCannotBeUsed() throws IOException {
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            int port = taken.getLocalPort();
            var e = assertThrows(OptionError.class, () -> HttpSite.open("127.0.0.1", HttpSite.PORT, port));
            assertEquals("port " + port + ": cannot be used: Address already in use. Choose another port, or 0 for a "
                    + "free one", e.getMessage());
        }
        var e = assertThrows(OptionError.class, () -> HttpSite.open("no.such.host.invalid", HttpSite.PORT, 0));
        assertTrue(e.getMessage().startsWith("host no.such.host.invalid: no such host"), e.getMessage());
        e = assertThrows(OptionError.class, () -> HttpSite.open("192.0.2.1", HttpSite.PORT, 0));
        assertTrue(e.getMessage().startsWith("host 192.0.2.1: cannot serve there"), e.getMessage());
    }

    /** Asked for by name; then any address of the machine is its host, and still no foreign name. */
    @Test
    void anotherHostIsPublic() throws IOException {
        try (HttpSite open = HttpSite.open("0.0.0.0", HttpSite.PORT, 0).get("/", _ -> Reply.text(200, "here"))) {
            assertTrue(open.isPublic());
            RawHttp raw = new RawHttp(open.address());
            int port = open.address().getPort();
            assertEquals("200", raw.status("GET /", "Host: 10.1.2.3:" + port, raw.cookie()));
            assertEquals("403", raw.status("GET /", "Host: evil.example:" + port, raw.cookie()));
            assertEquals("403", raw.status("GET /", "Host: 10.1.2.3:" + port));
        }
    }

    /** A client that stops reading, and one that is gone: the publisher never waits, and others get everything. */
    @Test
    void aSlowClientLosesTheOldestAndNobodyWaits() throws IOException {
        EventHub hub = new EventHub();
        site.events("/events", hub);
        String large = "{\"x\":\"" + "x".repeat(1 << 16) + "\"}";
        try (Socket gone = http.open("GET /events", http.host(), http.cookie())) {
            awaitLine(reader(gone), "retry: 1000");
        }
        try (Socket slow = http.open("GET /events", http.host(), http.cookie())) {
            BufferedReader lines = reader(slow);
            awaitLine(lines, "retry: 1000");
            for (int i = 0; i < 1000; i++) {
                hub.publish("step", large); // 64 MiB: more than any socket buffers
            }
            hub.publish("end", "{}");
            String dropped = awaitLine(lines, "data: {\"events\":");
            assertTrue(Integer.parseInt(dropped.replaceAll("\\D", "")) > 100, dropped);
            awaitLine(lines, "event: end");
        }
    }

    private static BufferedReader reader(Socket socket) throws IOException {
        return new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
    }

    static String awaitLine(BufferedReader lines, String start) throws IOException {
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            if (line.startsWith(start)) {
                return line;
            }
        }
        throw new AssertionError("no line " + start);
    }
}
