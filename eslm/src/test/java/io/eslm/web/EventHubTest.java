// SPDX-License-Identifier: Apache-2.0
package io.eslm.web;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

/** Events on their way to clients. */
class EventHubTest {
    private final EventHub hub = new EventHub();

    /** A client on its own thread, whose reader gets what is sent. */
    private BufferedReader connect(EventHub to, String lastId) throws IOException {
        PipedInputStream in = new PipedInputStream(1 << 20);
        OutputStream out = new PipedOutputStream(in);
        int before = to.clients();
        Thread.ofVirtual().start(() -> {
            try (out) {
                to.stream(out, Optional.ofNullable(lastId));
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        });
        while (to.clients() == before) {
            Thread.onSpinWait();
        }
        return new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8));
    }

    private static List<String> rest(BufferedReader reader) throws IOException {
        List<String> lines = new ArrayList<>();
        for (String line = reader.readLine(); line != null; line = reader.readLine()) {
            lines.add(line);
        }
        return lines;
    }

    @Test
    void everyClientGetsEveryEventInOrder() throws IOException {
        BufferedReader a = connect(hub, null);
        hub.publish("x", "1");
        BufferedReader b = connect(hub, null);
        hub.publish("y", "2");
        hub.end(Duration.ofSeconds(30));
        assertEquals(0, hub.clients());
        String id = idOf(rest(a), "event: y");
        assertEquals(List.of("retry: 1000", "", "id: " + id, "event: y", "data: 2", ""), rest(b));
    }

    private static String idOf(List<String> lines, String event) {
        return lines.get(lines.indexOf(event) - 1).substring("id: ".length());
    }

    /** With the id of the last event that it saw, a client goes on there. */
    @Test
    void aClientThatComesBackGoesOn() throws IOException {
        BufferedReader first = connect(hub, null);
        hub.publish("a", "1");
        for (String line = ""; !line.equals("data: 1"); line = first.readLine()) {
            assertTrue(line != null, "the event comes");
        }
        hub.publish("b", "2");
        hub.publish("c", "3");
        String series = "";
        for (String line = ""; !line.equals("data: 2"); line = first.readLine()) {
            series = line.startsWith("id: ") ? line.substring(4).replaceFirst("-.*", "") : series;
        }
        BufferedReader back = connect(hub, series + "-1");
        BufferedReader stranger = connect(hub, "00000000-1");
        BufferedReader nonsense = connect(hub, "\u0000%s");
        hub.end(Duration.ofSeconds(30));
        assertEquals(List.of("data: 2", "data: 3"), data(rest(back)));
        assertEquals(List.of("data: 1", "data: 2", "data: 3"), data(rest(stranger)), "an id of another server");
        assertEquals(List.of("data: 1", "data: 2", "data: 3"), data(rest(nonsense)));
    }

    private static List<String> data(List<String> lines) {
        return lines.stream().filter(line -> line.startsWith("data: ")).toList();
    }

    /** One whose last event is too long ago is told how many it missed. */
    @Test
    void whatIsMissedIsSaid() throws IOException {
        for (int i = 0; i < EventHub.QUEUE + 10; i++) {
            hub.publish("x", String.valueOf(i));
        }
        BufferedReader late = connect(hub, "00000000-1");
        hub.end(Duration.ofSeconds(30));
        List<String> data = data(rest(late));
        assertEquals("data: {\"events\":10}", data.getFirst());
        assertEquals(EventHub.QUEUE + 1, data.size());
        assertEquals("data: " + (EventHub.QUEUE + 9), data.getLast());
    }

    @Test
    void aFullQueueDropsTheOldest() throws Exception {
        CountDownLatch stuck = new CountDownLatch(1);
        CountDownLatch free = new CountDownLatch(1);
        StringBuilder got = new StringBuilder();
        OutputStream slow = new OutputStream() {
            @Override
            public void write(byte[] bytes, int from, int n) {
                got.append(new String(bytes, from, n, StandardCharsets.UTF_8));
                stuck.countDown();
                try {
                    free.await();
                } catch (InterruptedException e) {
                    throw new AssertionError(e);
                }
            }

            @Override
            public void write(int b) {
                throw new AssertionError("in pieces");
            }
        };
        Thread client = Thread.ofVirtual().start(() -> hub.stream(slow, Optional.empty()));
        stuck.await();
        for (int i = 0; i < EventHub.QUEUE + 3; i++) {
            hub.publish("x", "<" + i + ">");
        }
        free.countDown();
        hub.end(Duration.ofSeconds(30));
        client.join();
        assertTrue(got.toString().contains("event: dropped\ndata: {\"events\":3}\n"), got.substring(0, 100));
        assertFalse(got.toString().contains("<2>"));
        assertTrue(got.toString().contains("<3>") && got.toString().contains("<" + (EventHub.QUEUE + 2) + ">"));
    }

    @Test
    void heartbeatsFindClientsThatAreGone() throws IOException {
        EventHub quick = new EventHub(Duration.ofMillis(10));
        BufferedReader here = connect(quick, null);
        while (!": heartbeat".equals(here.readLine())) {
            Thread.onSpinWait();
        }
        OutputStream gone = new OutputStream() {
            @Override
            public void write(int b) throws IOException {
                throw new IOException("Broken pipe");
            }
        };
        quick.stream(gone, Optional.empty()); // ends by itself
        assertEquals(1, quick.clients());
        quick.close();
    }
}
