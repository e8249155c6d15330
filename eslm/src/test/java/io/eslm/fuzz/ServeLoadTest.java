// SPDX-License-Identifier: Apache-2.0
package io.eslm.fuzz;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import io.eslm.serve.Client;
import io.eslm.serve.ServeOptions;
import io.eslm.tensor.io.Json;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Hostile requests through sockets, and many clients at once. Short here; {@code -Dserve.fuzz=100000} and
 * {@code -Dserve.seconds=600} make them long.
 */
@Timeout(value = 2, unit = TimeUnit.HOURS) // of the long ones
class ServeLoadTest {
    private static final int REQUESTS = Integer.getInteger("serve.fuzz", 1000);
    private static final int SECONDS = Integer.getInteger("serve.seconds", 2);
    private static final int THREADS = 24;
    /** What the heap may grow by: buffers of the clients and compiled code's data, far less than a leak of a kilobyte a request. */
    private static final long GROWTH = 24L << 20;

    /** Nobody runs or waits, and nobody holds a page. */
    private static void assertIdle(Client client) throws InterruptedException {
        for (String name : List.of("eslm_num_requests_running", "eslm_num_requests_waiting",
                "eslm_kv_cache_usage_perc")) {
            for (int i = 0; i < 1000 && client.metric(name) > 0; i++) {
                Thread.sleep(10);
            }
            assertEquals(0, client.metric(name), name);
        }
        String metrics = client.get("/metrics").body();
        assertTrue(metrics.lines().noneMatch(line -> line.startsWith("eslm_http_responses_total{status=\"5")), metrics);
    }

    private static long heap() {
        System.gc();
        System.gc();
        return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
    }

    @Test
    void noRequestIsAnsweredWithAnErrorOfTheServer() throws Exception {
        Target target = Targets.ALL.stream().filter(t -> t.name().equals("completion")).findFirst().orElseThrow();
        Mutator mutator = new Mutator(target.kept());
        Map<Integer, LongAdder> statuses = new ConcurrentHashMap<>();
        try (Client client = new Client(Map.of(ServeOptions.MAX_CHOICES, "6"));
                ExecutorService threads = Executors.newFixedThreadPool(4)) {
            AtomicLong seed = new AtomicLong();
            List<Future<?>> done = new ArrayList<>();
            long before = 0;
            for (long end : new long[] {REQUESTS / 2, REQUESTS}) {
                for (int t = 0; t < 4; t++) {
                    done.add(threads.submit(() -> {
                        for (long s = seed.getAndIncrement(); s < end; s = seed.getAndIncrement()) {
                            int status = send(client, mutator.input(s), new SplittableRandom(s));
                            statuses.computeIfAbsent(status, _ -> new LongAdder()).increment();
                        }
                        return null;
                    }));
                }
                for (Future<?> f : done) {
                    f.get();
                }
                seed.set(end);
                assertIdle(client);
                client.log.clear();
                long now = heap();
                assertTrue(before == 0 || now - before < GROWTH, "the heap grew from " + before + " to " + now);
                before = now;
            }
        }
        System.out.println(REQUESTS + " requests, by status (0: the client went away): " + new TreeMap<>(statuses));
        assertTrue(statuses.containsKey(200) && statuses.containsKey(400), statuses.toString());
    }

    /** Sends a body, and returns the status of the answer; 0 if it goes away before, as one in 16 does. */
    private static int send(Client client, byte[] body, SplittableRandom random) throws IOException {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), client.port())) {
            OutputStream out = socket.getOutputStream();
            int sent = random.nextInt(16) == 0 ? random.nextInt(body.length + 1) : body.length;
            out.write(("POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: "
                    + body.length + "\r\n\r\n").getBytes(StandardCharsets.UTF_8));
            out.write(body, 0, sent);
            out.flush();
            InputStream in = socket.getInputStream();
            if (sent < body.length || random.nextInt(16) == 0) {
                return 0;
            }
            String answer = new String(in.readAllBytes(), StandardCharsets.UTF_8);
            int status = Integer.parseInt(answer.substring(9, 12));
            assertTrue(status == 200 || status / 100 == 4, answer);
            if (status != 200) {
                JsonObject error =
                        Json.parse(answer.substring(answer.indexOf("\r\n\r\n") + 4)).getAsJsonObject("error");
                assertTrue(!error.get("message").getAsString().isBlank(), answer);
            }
            return status;
        }
    }

    /** Whoever else is served, an answer is the one that a client alone gets. */
    @Test
    void manyClientsAtOnceGetWhatOneGets() throws Exception {
        List<String> bodies = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            bodies.add(String.format(Locale.ROOT,
                    "{\"prompt\":\"%s\",\"max_tokens\":%d,\"seed\":%d,\"temperature\":1.2,"
                            + "\"logprobs\":%d,\"echo\":%b,\"n\":%d,\"stream\":%b}",
                    "The river ran past the mill. ".repeat(i % 4),
                    1 + i, i, i % 5, i % 2 == 0, 1 + i % 3, i % 4 == 3));
        }
        try (Client client = new Client(); ExecutorService threads = Executors.newFixedThreadPool(THREADS)) {
            List<String> expected = bodies.stream().map(body -> plain(client.post(body).body())).toList();
            long before = 0;
            LongAdder answers = new LongAdder();
            for (int part = 0; part < 4; part++) {
                long end = System.nanoTime() + SECONDS * 250_000_000L;
                List<Future<?>> done = new ArrayList<>();
                for (int t = 0; t < THREADS; t++) {
                    int first = t;
                    done.add(threads.submit(() -> {
                        int i = first;
                        do {
                            int which = i++ % bodies.size();
                            String got = client.post(bodies.get(which)).body();
                            assertEquals(sorted(expected.get(which)), sorted(plain(got)));
                            answers.increment();
                        } while (System.nanoTime() < end);
                        return null;
                    }));
                }
                for (Future<?> f : done) {
                    f.get();
                }
                assertIdle(client);
                client.log.clear();
                long now = heap();
                assertTrue(before == 0 || now - before < GROWTH, "the heap grew from " + before + " to " + now);
                System.out.printf(Locale.ROOT, "%,d answers to %d clients in %.0f s of CPU time; heap %.1f MB%n",
                        answers.sum(), THREADS,
                        ProcessHandle.current().info().totalCpuDuration().orElse(Duration.ZERO).toMillis() / 1e3,
                        now / 1048576.0);
                before = before == 0 ? now : before;
            }
        }
    }

    /** Without what differs from request to request. */
    private static String plain(String answer) {
        return answer.strip().replaceAll("\"id\":\"[^\"]*\",|\"created\":\\d+,", "");
    }

    /** The parts of a stream's choices come in any order, with signs of life between them. */
    private static List<String> sorted(String answer) {
        return answer.lines().filter(line -> !line.isEmpty() && !line.startsWith(":")).sorted().toList();
    }
}
