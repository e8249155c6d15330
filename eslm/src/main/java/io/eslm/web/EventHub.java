// SPDX-License-Identifier: Apache-2.0
package io.eslm.web;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Sends events to any number of browsers as server-sent events. {@link #publish} never waits: each client has a queue of at most
 * {@value #QUEUE} events, and one that is too slow loses its oldest and is told how many ("dropped"). A client that comes back
 * with the id of the last event it saw gets those that it missed, as far as they are still here.
 */
public final class EventHub implements AutoCloseable {
    /** Events that wait for a client, at most, and events that are kept for one that comes back. */
    static final int QUEUE = 256;
    /** Clients at a time. */
    static final int MOST_CLIENTS = 32;
    private static final int RETRY_MS = 1000;

    private record Event(long id, String name, String json) {
    }

    private static final class Client {
        private final ArrayDeque<Event> queue = new ArrayDeque<>();
        private long dropped;

        void offer(Event event) {
            if (queue.size() == QUEUE) {
                queue.removeFirst();
                dropped++;
            }
            queue.addLast(event);
        }
    }

    private final Duration heartbeat;
    /** Begins each id, so that one of an earlier server is not taken for ours. */
    private final String series = HexFormat.of().toHexDigits(new SecureRandom().nextInt());
    private final ArrayDeque<Event> history = new ArrayDeque<>();
    private final Set<Client> clients = new HashSet<>();
    private long last;
    private boolean closed;

    /** A heartbeat every 15 s finds clients that are gone. */
    public EventHub() {
        this(Duration.ofSeconds(15));
    }

    EventHub(Duration heartbeat) {
        this.heartbeat = heartbeat;
    }

    /**
     * Queues an event for every client and returns at once.
     *
     * @param json in one line
     */
    public synchronized void publish(String name, String json) {
        Event event = new Event(++last, name, json);
        if (history.size() == QUEUE) {
            history.removeFirst();
        }
        history.addLast(event);
        clients.forEach(client -> client.offer(event));
        notifyAll();
    }

    /** Clients that are connected now. */
    public synchronized int clients() {
        return clients.size();
    }

    /** Ends every stream once its queue is sent; waits for that until {@code patience} is over. */
    public synchronized void end(Duration patience) {
        closed = true;
        notifyAll();
        long until = System.nanoTime() + patience.toNanos();
        try {
            for (long left = patience.toMillis(); !clients.isEmpty() && left > 0;
                    left = (until - System.nanoTime()) / 1_000_000) {
                wait(left);
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() {
        end(Duration.ZERO);
    }

    /** False if there are {@value #MOST_CLIENTS} clients already. */
    synchronized boolean hasRoom() {
        return clients.size() < MOST_CLIENTS;
    }

    /** Writes events until the client is gone or the hub is closed. */
    void stream(OutputStream out, Optional<String> lastId) {
        Client client = subscribe(lastId);
        try {
            write(out, "retry: " + RETRY_MS + "\n\n");
            while (true) {
                String text = next(client);
                if (text == null) {
                    return;
                }
                write(out, text);
            }
        } catch (IOException _) {
            // the client is gone
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        } finally {
            leave(client);
        }
    }

    private static void write(OutputStream out, String text) throws IOException {
        out.write(text.getBytes(StandardCharsets.UTF_8));
        out.flush();
    }

    private synchronized Client subscribe(Optional<String> lastId) {
        Client client = new Client();
        long seen = lastId.map(this::seen).orElse(last);
        history.stream().filter(e -> e.id() > seen).forEach(client::offer);
        client.dropped = Math.max(0, history.isEmpty() ? 0 : history.getFirst().id() - 1 - seen);
        clients.add(client);
        return client;
    }

    private synchronized void leave(Client client) {
        clients.remove(client);
        notifyAll();
    }

    /** The number in an id; 0 for an id of another server. */
    private long seen(String id) {
        String prefix = series + "-";
        return id.matches(prefix + "\\d{1,18}") ? Long.parseLong(id.substring(prefix.length())) : 0;
    }

    /** What to send next: the events that wait, or a heartbeat; null at the end. */
    private synchronized String next(Client client) throws InterruptedException {
        long until = System.nanoTime() + heartbeat.toNanos();
        while (client.queue.isEmpty()) {
            long left = (until - System.nanoTime()) / 1_000_000;
            if (closed) {
                return null;
            }
            if (left <= 0) {
                return ": heartbeat\n\n";
            }
            wait(left);
        }
        List<String> parts = new ArrayList<>();
        if (client.dropped > 0) {
            parts.add("event: dropped\ndata: {\"events\":" + client.dropped + "}\n\n");
            client.dropped = 0;
        }
        client.queue.forEach(e -> parts
                .add("id: " + series + "-" + e.id() + "\nevent: " + e.name() + "\ndata: " + e.json() + "\n\n"));
        client.queue.clear();
        return String.join("", parts);
    }
}
