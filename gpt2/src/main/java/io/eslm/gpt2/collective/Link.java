// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.collective;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.util.Optional;
import java.util.Set;

/**
 * The connections to one other rank: one for numbers, and the {@link Control}. In an exchange, a header of {@value #HEADER} bytes goes
 * before the bytes themselves, each way. They go through a socket ({@link SocketLink}), or on one host through memory that both ranks
 * see ({@link RingLink}).
 */
abstract sealed class Link permits SocketLink, RingLink {
    static final int HEADER = 24;

    /** The rank at the other end. */
    final int rank;
    /** Its name in messages. */
    final String name;
    final Control control;
    final Pipe data;
    final SelectionKey dataKey;
    /** Bytes that were not put anywhere yet, and how many were. */
    long toSend;
    private long sentTo;
    /** Bytes that are in no block yet; -1 before their header. */
    long toCome;
    /** The header that this rank sends. */
    final ByteBuffer head = ByteBuffer.allocate(HEADER).order(ByteOrder.LITTLE_ENDIAN);
    /** Nanoseconds from the end of that rank's last exchange to the beginning of this one. */
    private long busy;
    private long sentAt;
    private long heardAt;

    Link(int rank, String name, Pipe data, Control control, Selector selector) throws IOException {
        this.rank = rank;
        this.name = name;
        this.data = data;
        this.control = control;
        dataKey = data.register(selector, 0);
    }

    /** What an exchange sends to another rank, and does with what comes from it. */
    interface Exchange {
        /** Which exchange this is; both ends compare it. */
        long kind();

        /** How many bytes go to the rank. */
        long bytesTo(Link to);

        /** Puts the next {@code n} bytes, from {@code at}, into {@code out}. */
        void put(Link to, long at, int n, ByteBuffer out);

        /** Hears how many bytes will come; throws if that cannot be. */
        void expect(Link from, long bytes);

        /**
         * Takes a block that has arrived, from its position to its end, which becomes its position; or false, to take it later from
         * {@link Link#block}.
         */
        boolean take(Link from, ByteBuffer block);
    }

    /** @param mine nanoseconds since this rank's last exchange */
    final void begin(Exchange exchange, long number, long now, long mine) {
        toSend = exchange.bytesTo(this);
        sentTo = 0;
        toCome = -1;
        sentAt = now;
        heardAt = now;
        head.clear().putLong(exchange.kind() << 56 | number).putLong(toSend).putLong(mine).flip();
        begin(exchange);
    }

    /** Gets ready to send {@link #head} and what follows. */
    abstract void begin(Exchange exchange);

    /** Puts what is to be sent next, {@code most} bytes or fewer, into {@code out}; returns how many. */
    final int fill(Exchange exchange, ByteBuffer out, int most) {
        int n = (int) Math.min(toSend, most);
        exchange.put(this, sentTo, n, out);
        sentTo += n;
        toSend -= n;
        return n;
    }

    /** Sends what can be sent without waiting; true if something was. */
    final boolean send(Exchange exchange, long now) throws IOException {
        boolean moved = send(exchange);
        sentAt = moved ? now : sentAt;
        return moved;
    }

    abstract boolean send(Exchange exchange) throws IOException;

    /** Receives what is there; true if something is. */
    final boolean receive(Exchange exchange, long number, long now) throws IOException {
        boolean moved = receive(exchange, number);
        heardAt = moved ? now : heardAt;
        return moved;
    }

    abstract boolean receive(Exchange exchange, long number) throws IOException;

    /** Understands a header that has come. */
    final void hear(ByteBuffer header, Exchange exchange, long number) throws OutOfStepException {
        long got = header.getLong();
        toCome = header.getLong();
        busy = header.getLong();
        if (got != (exchange.kind() << 56 | number) || toCome < 0) {
            throw new OutOfStepException();
        }
        exchange.expect(this, toCome);
    }

    /** How long that rank was busy before the exchange that is done, in nanoseconds. */
    final long busy() {
        return busy;
    }

    /** What has arrived and was not taken, from its position on; null if there is nothing. */
    abstract ByteBuffer block();

    /** The bytes before the block's position are done with. */
    abstract void taken();

    final boolean done() {
        return !sends() && !receives() && block() == null;
    }

    abstract boolean sends();

    /** True if this rank waits for bytes of that one. */
    abstract boolean receives();

    /** Since when this rank waits for that one to send something; empty if it does not. */
    final Optional<Long> silentSince() {
        return receives() ? Optional.of(heardAt) : Optional.empty();
    }

    /** Since when that one has taken nothing; empty if nothing is to be taken. */
    final Optional<Long> deafSince() {
        return sends() ? Optional.of(sentAt) : Optional.empty();
    }

    /** True if this rank surely finds something to do with that one now; where it costs more than a look to know, false. */
    abstract boolean canMove();

    /** Before this rank sleeps: from now on the selector wakes when there is something to do. False if there already is. */
    abstract boolean sleep();

    /** After it slept, or did not. */
    abstract void wake(Set<SelectionKey> keys);

    final void ignoreData() {
        dataKey.cancel();
    }

    final void close() {
        control.close();
        data.close();
    }

    /** The other rank is at another exchange. */
    static final class OutOfStepException extends IOException {
        private static final long serialVersionUID = 1L;
    }
}
