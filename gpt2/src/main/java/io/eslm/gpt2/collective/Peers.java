// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.collective;

import io.eslm.tensor.UserError;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
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
    /** How long to wait for somebody who knows why a connection broke. */
    private static final Duration WORDS = Duration.ofSeconds(2);
    private static final Duration LOOK = Duration.ofMillis(20);

    /** By rank, as the others. */
    final String[] names;
    /** By purpose, too. */
    private final SocketChannel[][] channels;
    private final Control[] controls;

    Peers(int world) {
        names = new String[world];
        channels = new SocketChannel[world][2];
        controls = new Control[world];
    }

    void put(int rank, int purpose, SocketChannel channel) {
        channels[rank][purpose] = channel;
    }

    boolean has(int rank, int purpose) {
        return channels[rank][purpose] != null;
    }

    /** The ranks from {@code first} on that have not come for all of {@code purposes}. */
    List<Integer> missing(int first, int... purposes) {
        return IntStream.range(first, channels.length)
                .filter(r -> IntStream.of(purposes).anyMatch(purpose -> !has(r, purpose))).boxed().toList();
    }

    /** From now on all that {@code rank} says on its connection for control is why it ends. */
    void listen(int rank) {
        controls[rank] = new Control(channels[rank][CONTROL]);
    }

    /** True, and forgets the connection, if the process that made it has ended; another one may then come in its place. */
    boolean forgetIfGone(int rank, int purpose) throws IOException {
        SocketChannel old = channels[rank][purpose];
        try {
            if (old.isBlocking() || old.read(ByteBuffer.allocate(1)) >= 0) {
                return false;
            }
        } catch (IOException _) {
            // its host is gone
        }
        old.close();
        channels[rank][purpose] = null;
        return true;
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
        Stream.of(channels).flatMap(Stream::of).filter(Objects::nonNull).forEach(channel -> {
            try {
                channel.close();
            } catch (IOException _) {
                // the system closes it with the process
            }
        });
    }

    /** The ranks, all connected. */
    Collective mesh(Rendezvous.Member me, Duration silence, Consumer<String> notes) throws IOException {
        Selector selector = Selector.open();
        List<Link> links = new ArrayList<>();
        for (int r = 0; r < me.world(); r++) {
            links.add(r == me.rank() ? null : new Link(r, "rank " + r + " (" + names[r] + ")", channels[r][DATA],
                    controls[r], selector, Mesh.block(me.world())));
        }
        return new Mesh(me.rank(), links.toArray(Link[]::new), selector, me.timeout(), silence, notes);
    }
}
