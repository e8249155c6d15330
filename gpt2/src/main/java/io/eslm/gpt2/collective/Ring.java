// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.collective;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Bytes that go from one rank to another of the same host through memory that both see: a circle of a fixed size, into which one
 * thread of one process writes and out of which one thread of the other process reads. Each side makes its own object for it.
 *
 * <p>Why that is right. The writer counts the bytes it has written, the reader those it has read; only the side that counts writes
 * its count. The writer copies its bytes first and then stores the count with release; the reader loads it with acquire and then
 * copies: whoever sees the count sees the bytes. The other way round it is the same, so a place is written again only after it was
 * read. Acquire and release order the processor's accesses to memory, and a page that two processes map is the same memory.
 *
 * <p>A side that finds nothing to do says that it {@link #sleeps}, passes a full fence, and looks once more before it sleeps. The
 * other one moves its count, passes a full fence, and looks whether somebody {@link #mustWake sleeps}. Of the two looks at least
 * one comes after both stores, so nobody sleeps while there is something to do.
 */
final class Ring {
    /** Both sides go on to a multiple of this before they begin a message, so a number of 4 bytes never lies at both ends. */
    static final int UNIT = 64;
    /** Of the counts and signs, each far enough from the next that two processors do not fight for a line of their caches. */
    private static final int WRITTEN = 0;
    private static final int READ = 128;
    private static final int READER_SLEEPS = 256;
    private static final int WRITER_SLEEPS = 384;
    private static final int DATA = 512;
    private static final VarHandle COUNT = MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.nativeOrder());
    private static final VarHandle SIGN = MethodHandles.byteBufferViewVarHandle(int[].class, ByteOrder.nativeOrder());

    private final ByteBuffer memory;
    private final int capacity;
    private final boolean writes;
    /** How far this side is, and how far it has told the other one. */
    private long at;
    private long told;

    /**
     * One side of a ring.
     *
     * @param memory {@link #bytes} of it, all 0 before the first side begins; at a multiple of 8
     * @param writes whether this side writes; else it reads
     */
    Ring(ByteBuffer memory, boolean writes) {
        this.memory = memory.order(ByteOrder.LITTLE_ENDIAN);
        this.writes = writes;
        capacity = memory.capacity() - DATA;
    }

    /** How much memory a ring needs for {@code capacity} bytes under way, a power of two. */
    static int bytes(int capacity) {
        return DATA + capacity;
    }

    int capacity() {
        return capacity;
    }

    /** Bytes that this side can read now, or write: then a multiple of {@link #UNIT}, so that only a message's end is another. */
    int ready() {
        long other = (long) COUNT.getAcquire(memory, writes ? READ : WRITTEN);
        return (int) Math.clamp(writes ? other + capacity - at & -UNIT : other - at, 0L, capacity);
    }

    /** The next {@code most} of them, or fewer: those that lie in one piece. Empty if there are none. */
    ByteBuffer piece(long most) {
        int from = (int) (at & capacity - 1);
        int n = (int) Math.min(Math.min(ready(), capacity - from), most);
        return memory.slice(DATA + from, n).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** This side has written, or read, {@code n} bytes; the other one sees them. */
    void move(int n) {
        at += n;
        COUNT.setRelease(memory, writes ? WRITTEN : READ, at);
    }

    /** Goes on to where a message may begin. What lies between is nothing. */
    void align() {
        at = at + UNIT - 1 & -UNIT;
    }

    /** Says whether this side sleeps until the other one {@link #move moves}. */
    void sleeps(boolean yes) {
        SIGN.setOpaque(memory, writes ? WRITER_SLEEPS : READER_SLEEPS, yes ? 1 : 0);
    }

    /** True if this side has moved since it was last asked, and the other one sleeps and must be woken; true once for each sleep. */
    boolean mustWake() {
        if (told == at) {
            return false;
        }
        told = at;
        VarHandle.fullFence();
        int sign = writes ? READER_SLEEPS : WRITER_SLEEPS;
        return (int) SIGN.getOpaque(memory, sign) != 0 && (int) SIGN.getAndSet(memory, sign, 0) != 0;
    }
}
