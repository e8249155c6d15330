// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.collective;

import com.google.gson.JsonObject;
import io.eslm.tensor.UserError;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Selector;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** The connections to the other ranks while they are made: {@link Rendezvous}. */
final class Peers {
    static final int DATA = 0;
    static final int CONTROL = 1;
    /** Bytes of all links' blocks together, about, each way; and of one. */
    private static final int BLOCKS = 1 << 24;
    private static final int LEAST_BLOCK = 1 << 13;
    private static final int MOST_BLOCK = 1 << 18;
    private static final int MOST_OF_NETWORK = 1 << 16;
    /** Bytes that the system may keep for all links together, each way; and for one. Below the least, it chooses. */
    private static final int BUFFERS = 1 << 26;
    private static final int LEAST_BUFFER = 1 << 20;
    private static final int MOST_BUFFER = 1 << 22;
    /** How long to wait for somebody who knows why a connection broke. */
    private static final Duration WORDS = Duration.ofSeconds(2);
    /** Bytes of a ring: those of a larger one fall out of the processor's cache. */
    private static final int LEAST_RING = 1 << 16;
    private static final int MOST_RING = 1 << 20;
    private static final Duration LOOK = Duration.ofMillis(20);

    /** By rank, as the others. */
    final String[] names;
    /** By purpose, too. */
    private final Pipe[][] pipes;
    private final Control[] controls;
    /** Null where numbers go through the socket. */
    private final HostMemory.Rings[] rings;

    Peers(int world) {
        names = new String[world];
        pipes = new Pipe[world][2];
        controls = new Control[world];
        rings = new HostMemory.Rings[world];
    }

    void put(int rank, int purpose, Pipe pipe) {
        pipes[rank][purpose] = pipe;
    }

    /** Replies to a rank that has come; if it is to exchange numbers within this host, offers it memory for that. */
    void reply(Session session, JsonObject reply, int rank, int purpose, Pipe pipe) throws IOException {
        if (purpose == DATA && !pipe.isNetwork() && !reply.has("end")) {
            rings[rank] = HostMemory.offer(session, reply, memory());
        } else {
            session.send(reply);
        }
    }

    /** Hears the other rank's reply, and takes the memory that it offers. */
    void hear(Session session, JsonObject reply, int rank) throws IOException {
        rings[rank] = HostMemory.take(session, reply, memory());
    }

    /** Bytes of memory to share with another rank. */
    private int memory() {
        return 2 * Ring.bytes(Math.clamp(Integer.highestOneBit(BLOCKS / pipes.length), LEAST_RING, MOST_RING));
    }

    boolean has(int rank, int purpose) {
        return pipes[rank][purpose] != null;
    }

    /** The ranks from {@code first} on that have not come for all of {@code purposes}. */
    List<Integer> missing(int first, int... purposes) {
        return IntStream.range(first, pipes.length)
                .filter(r -> IntStream.of(purposes).anyMatch(purpose -> !has(r, purpose))).boxed().toList();
    }

    /** From now on all that {@code rank} says on its connection for control is why it ends. */
    void listen(int rank) {
        controls[rank] = new Control(pipes[rank][CONTROL]);
    }

    /** True, and forgets the connection, if the process that made it has ended; another one may then come in its place. */
    boolean forgetIfGone(int rank, int purpose) {
        Pipe old = pipes[rank][purpose];
        try {
            old.read(ByteBuffer.allocate(1));
            return false;
        } catch (IOException _) {
            old.close();
            pipes[rank][purpose] = null;
            return true;
        }
    }

    /** @throws UserError if a rank says why it ends, or has ended without a word */
    void check() {
        words().ifPresent(why -> {
            throw new UserError(why);
        });
        for (int r = 0; r < controls.length; r++) {
            if (controls[r] != null && controls[r].ended()) {
                throw ended(r);
            }
        }
    }

    UserError ended(int rank) {
        return new UserError(words(WORDS).orElse("rank " + rank + " (" + names[rank]
                + ") has ended before all ranks were connected: it was killed, or see what it printed"));
    }

    private Optional<String> words() {
        controls().forEach(Control::listen);
        return controls().flatMap(control -> control.words().stream()).findFirst();
    }

    /** What a rank says about why it ends, if one does within {@code time}. */
    private Optional<String> words(Duration time) {
        long deadline = System.nanoTime() + time.toNanos();
        Optional<String> words = words();
        while (words.isEmpty() && controls().anyMatch(control -> !control.ended()) && System.nanoTime() < deadline) {
            pause(LOOK);
            words = words();
        }
        return words;
    }

    /** What is known about why a connection broke; empty if nothing is. */
    Optional<String> reason() {
        return words(WORDS);
    }

    private Stream<Control> controls() {
        return Stream.of(controls).filter(Objects::nonNull);
    }

    /** Sleeps. */
    static void pause(Duration time) {
        try {
            Thread.sleep(time);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new UserError("this rank was interrupted", e);
        }
    }

    /** Tells those who are connected why this rank ends, and closes. */
    void end(String why) {
        controls().forEach(control -> control.say(why));
        Stream.of(pipes).flatMap(Stream::of).filter(Objects::nonNull).forEach(Pipe::close);
    }

    /** Bytes of a block: the same for all links, because the blocks of all are added. */
    private int block() throws IOException {
        int block = Math.clamp(BLOCKS / pipes.length & -LEAST_BLOCK, LEAST_BLOCK, MOST_BLOCK);
        int buffer = Math.min(MOST_BUFFER, BUFFERS / pipes.length);
        for (Pipe[] both : pipes) {
            if (both[DATA] != null && both[DATA].isNetwork()) {
                block = Math.min(block, MOST_OF_NETWORK);
                if (buffer >= LEAST_BUFFER) {
                    both[DATA].buffer(buffer);
                }
            }
        }
        return block;
    }

    /** The ranks, all connected. */
    Collective mesh(Rendezvous.Member me, Duration silence, Consumer<String> notes) throws IOException {
        Selector selector = Selector.open();
        List<Link> links = new ArrayList<>();
        int block = block();
        for (int r = 0; r < me.world(); r++) {
            String name = "rank " + r + " (" + names[r] + ")";
            links.add(r == me.rank() ? null
                    : rings[r] == null ? new SocketLink(r, name, pipes[r][DATA], controls[r], selector, block)
                    : new RingLink(r, name, pipes[r][DATA], controls[r], selector, rings[r]));
        }
        return new Mesh(me.rank(), links.toArray(Link[]::new), selector, me.timeout(), silence, notes);
    }
}
