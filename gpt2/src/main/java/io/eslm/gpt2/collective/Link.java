// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.collective;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.util.Optional;

/**
 * The connections to one other rank: one for numbers, and the {@link Control}. In an exchange, a header of {@value #HEADER} bytes goes
 * before the bytes themselves, each way.
 */
final class Link {
    static final int HEADER = 24;

    /** The rank at the other end. */
    final int rank;
    /** Its name in messages. */
    final String name;
    final Control control;
    private final Pipe data;
    private final SelectionKey dataKey;
    private final ByteBuffer out;
    private final ByteBuffer in;
    private final ByteBuffer header = buffer(HEADER);
    /** Bytes that are not in {@link #out} yet, and bytes that have not arrived; -1 before their header. */
    private long toSend;
    private long sentTo;
    private long toCome;
    /** Nanoseconds from the end of that rank's last exchange to the beginning of this one. */
    private long busy;
    /** A block has arrived, and is not taken yet. */
    private boolean full;
    private long sentAt;
    private long heardAt;

    Link(int rank, String name, Pipe data, Control control, Selector selector, int block)
            throws IOException {
        this.rank = rank;
        this.name = name;
        this.data = data;
        this.control = control;
        out = buffer(block);
        in = buffer(block);
        dataKey = data.register(selector, 0);
    }

    private static ByteBuffer buffer(int bytes) {
        return ByteBuffer.allocateDirect(bytes).order(ByteOrder.LITTLE_ENDIAN);
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

        /** Takes a block that has arrived; or false, to take it later from {@link Link#block}. */
        boolean take(Link from, ByteBuffer block);
    }

    /** @param mine nanoseconds since this rank's last exchange */
    void begin(Exchange exchange, long number, long now, long mine) {
        toSend = exchange.bytesTo(this);
        sentTo = 0;
        toCome = -1;
        full = false;
        sentAt = now;
        heardAt = now;
        header.clear();
        in.clear().limit(0);
        out.clear().putLong(exchange.kind() << 56 | number).putLong(toSend).putLong(mine);
        fill(exchange);
        out.flip();
    }

    private void fill(Exchange exchange) {
        int n = (int) Math.min(toSend, out.remaining());
        exchange.put(this, sentTo, n, out);
        sentTo += n;
        toSend -= n;
    }

    /** Sends what can be sent without waiting; true if something was. */
    boolean send(Exchange exchange, long now) throws IOException {
        if (!out.hasRemaining() && toSend > 0) {
            out.clear();
            fill(exchange);
            out.flip();
        }
        if (!out.hasRemaining() && !data.pending()) {
            return false;
        }
        boolean moved = data.write(out) > 0;
        sentAt = moved ? now : sentAt;
        return moved;
    }

    /** Receives what is there; true if something is. */
    boolean receive(Exchange exchange, long number, long now) throws IOException {
        if (full || toCome == 0 && !in.hasRemaining()) {
            return false;
        }
        boolean moved = false;
        if (toCome < 0) {
            moved = data.read(header) > 0;
            if (!header.hasRemaining()) {
                header.flip();
                long got = header.getLong();
                toCome = header.getLong();
                busy = header.getLong();
                if (got != (exchange.kind() << 56 | number) || toCome < 0) {
                    throw new OutOfStepException();
                }
                exchange.expect(this, toCome);
                nextBlock();
            }
        }
        if (toCome >= 0 && in.hasRemaining()) {
            moved |= data.read(in) > 0;
            if (!in.hasRemaining()) {
                in.flip();
                full = true;
                if (exchange.take(this, in)) {
                    taken();
                }
            }
        }
        if (moved) {
            heardAt = now;
        }
        return moved;
    }

    /** How long that rank was busy before the exchange that is done, in nanoseconds. */
    long busy() {
        return busy;
    }

    private void nextBlock() {
        int n = (int) Math.min(toCome, in.capacity());
        in.clear().limit(n);
        toCome -= n;
    }

    /** The block that has arrived and was not taken; null if there is none. */
    ByteBuffer block() {
        return full ? in : null;
    }

    /** The block is done with. */
    void taken() {
        full = false;
        nextBlock();
    }

    boolean done() {
        return !sends() && !receives() && !full;
    }

    private boolean sends() {
        return toSend > 0 || out.hasRemaining() || data.pending();
    }

    /** True if this rank waits for bytes of that one. */
    private boolean receives() {
        return !full && (toCome != 0 || in.hasRemaining());
    }

    /** Since when this rank waits for that one to send something; empty if it does not. */
    Optional<Long> silentSince() {
        return receives() ? Optional.of(heardAt) : Optional.empty();
    }

    /** Since when that one has taken nothing; empty if nothing is to be taken. */
    Optional<Long> deafSince() {
        return sends() ? Optional.of(sentAt) : Optional.empty();
    }

    void interest() {
        dataKey.interestOps((sends() ? SelectionKey.OP_WRITE : 0) | (receives() ? SelectionKey.OP_READ : 0));
    }

    void ignoreData() {
        dataKey.cancel();
    }

    void close() {
        control.close();
        data.close();
    }

    /** The other rank is at another exchange. */
    static final class OutOfStepException extends IOException {
        private static final long serialVersionUID = 1L;
    }
}
