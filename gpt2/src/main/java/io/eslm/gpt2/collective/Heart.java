// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.collective;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Shows the other ranks that this one lives, whatever it computes, and hears whether they do: in a thread of its own. A process that is
 * stopped, or cut off, is silent; one that computes for minutes is not.
 */
final class Heart implements AutoCloseable {
    private static final int BEATS = 6;

    private final List<Control> others;
    private final Runnable news;
    private final Set<Control> lost = ConcurrentHashMap.newKeySet();
    private final Selector selector;
    /** Nanoseconds after which a rank counts as lost, and between two beats. */
    private final long silence;
    private final long period;
    private volatile boolean closed;

    /**
     * Begins to beat.
     *
     * @param silence after which a rank counts as lost, {@value #BEATS} beats
     * @param news called when a rank has said something, closed its connection, or is silent for too long
     */
    Heart(List<Control> others, Duration silence, Runnable news) {
        this.others = others;
        this.news = news;
        this.silence = silence.toNanos();
        period = Math.max(1_000_000, this.silence / BEATS);
        try {
            selector = Selector.open();
            for (Control other : others) {
                other.pipe.register(selector, SelectionKey.OP_READ);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Thread.ofPlatform().daemon().name("eslm rank").start(this::run);
    }

    private void run() {
        try (selector) {
            long next = System.nanoTime();
            long before = next;
            while (!closed) {
                selector.select(Math.max(1, (next - System.nanoTime()) / 1_000_000));
                selector.selectedKeys().clear();
                long now = System.nanoTime();
                if (now - before > silence / 2) {
                    others.forEach(Control::forgive); // this process was stopped, and may have missed what they said
                }
                before = now;
                hear();
                if (now >= next) {
                    others.forEach(Control::beat);
                    next = now + period;
                }
            }
        } catch (IOException _) {
            // without a heart the others take this rank for lost, and end it
        }
    }

    private void hear() {
        boolean something = false;
        for (Control other : others) {
            something |= other.listen();
            if (other.ended()) {
                other.pipe.ignore(selector);
            }
            if (other.silent(silence)) {
                lost.add(other);
                something = true;
            } else {
                lost.remove(other);
            }
        }
        if (something) {
            news.run();
        }
    }

    /** True if {@code other} shows no life for too long. */
    boolean misses(Control other) {
        return lost.contains(other);
    }

    Duration silence() {
        return Duration.ofNanos(silence);
    }

    @Override
    public void close() {
        closed = true;
        selector.wakeup();
    }
}
