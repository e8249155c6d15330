// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.collective;

import java.io.IOException;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.util.Set;

/**
 * Numbers go through two {@link Ring}s in memory that both ranks see, which spares the system two copies and the calls for them. What
 * the exchange puts lies in the ring at once, and what it takes, it takes from there. The socket stays: a rank that sleeps is
 * woken by a byte that comes there, and its end says that the other process has ended.
 */
final class RingLink extends Link {
    /** Of a ring, what is sent or received before this rank looks at the others again. */
    private static final int TURNS = 4;
    /** Bytes that the other rank may see before the next ones are there: as many as numbers are copied at once. */
    private static final int STEP = Float.BYTES * RankSum.MOST;

    private final Ring out;
    private final Ring in;
    private final int turn;
    private final ByteBuffer bells = ByteBuffer.allocateDirect(64);
    /** What has arrived and is not taken yet; null if there is nothing. Before {@link #taken}, its bytes begin at {@link #begin}. */
    private ByteBuffer block;
    private int begin;
    /** Why nothing will come any more, beyond what lies in the ring; null while that rank lives. */
    private IOException ended;

    RingLink(int rank, String name, Pipe data, Control control, Selector selector, HostMemory.Rings rings)
            throws IOException {
        super(rank, name, data, control, selector);
        out = rings.out();
        in = rings.in();
        turn = rings.capacity() / TURNS;
    }

    @Override
    void begin(Exchange exchange) {
        block = null;
        out.align();
        in.align();
    }

    @Override
    boolean send(Exchange exchange) throws IOException {
        boolean moved = false;
        if (head.hasRemaining()) {
            ByteBuffer piece = out.piece(Ring.UNIT);
            if (!piece.hasRemaining()) {
                return false;
            }
            listen();
            if (ended != null) {
                throw ended; // memory takes what nobody will read, where a socket would not
            }
            piece.put(head);
            out.move(Ring.UNIT);
            moved = true;
        }
        for (int left = turn; left > 0 && toSend > 0;) {
            ByteBuffer piece = out.piece(Math.min(left, STEP));
            if (!piece.hasRemaining()) {
                break;
            }
            int n = fill(exchange, piece, piece.remaining());
            out.move(n);
            left -= n;
            moved = true;
        }
        if (out.mustWake()) {
            ring();
        }
        return moved;
    }

    @Override
    boolean receive(Exchange exchange, long number) throws IOException {
        IOException over = ended; // known before the look, so that what came first is seen
        boolean moved = false;
        if (toCome < 0) {
            ByteBuffer piece = in.piece(Ring.UNIT);
            if (piece.hasRemaining()) {
                hear(piece, exchange, number);
                move(Ring.UNIT);
                moved = true;
            }
        }
        if (toCome > 0 && block == null) {
            ByteBuffer piece = in.piece(Math.min(toCome, turn));
            if (piece.hasRemaining()) {
                toCome -= piece.remaining();
                block = piece;
                begin = 0;
                if (exchange.take(this, block)) {
                    taken();
                }
                moved = true;
            }
        }
        if (over != null && !moved && (sends() || receives())) {
            throw over;
        }
        return moved;
    }

    @Override
    ByteBuffer block() {
        return block;
    }

    @Override
    void taken() {
        move(block.position() - begin);
        begin = block.position();
        if (!block.hasRemaining()) {
            block = null;
        }
    }

    private void move(int n) {
        in.move(n);
        if (in.mustWake()) {
            ring();
        }
    }

    /** Wakes that rank. */
    private void ring() {
        try {
            data.write(ByteBuffer.allocate(1));
        } catch (IOException e) {
            ended = e;
        }
    }

    @Override
    boolean sends() {
        return toSend > 0 || head.hasRemaining();
    }

    @Override
    boolean receives() {
        return toCome < 0 || toCome > 0 && block == null;
    }

    @Override
    boolean sleep() {
        boolean sends = sends();
        boolean receives = receives();
        if (dataKey.isValid()) {
            dataKey.interestOps(ended == null && (sends || receives) ? SelectionKey.OP_READ : 0);
        }
        out.sleeps(sends);
        in.sleeps(receives);
        VarHandle.fullFence();
        return !canMove();
    }

    @Override
    boolean canMove() {
        boolean sends = sends();
        boolean receives = receives();
        return sends && out.ready() > 0 || receives && in.ready() > 0 || (sends || receives) && ended != null;
    }

    @Override
    void wake(Set<SelectionKey> keys) {
        out.sleeps(false);
        in.sleeps(false);
        if (keys.contains(dataKey)) {
            listen();
        }
    }

    /** Takes in the bytes that woke this rank, or the news that the other one has ended. */
    private void listen() {
        try {
            do {
                bells.clear();
            } while (data.read(bells) > 0);
        } catch (IOException e) {
            ended = e;
        }
    }
}
