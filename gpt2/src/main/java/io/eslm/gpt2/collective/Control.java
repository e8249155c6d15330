// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.collective;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * The connection to another rank on which each shows that it lives, a byte at a time, and says why it ends. For several threads.
 */
final class Control {
    private static final byte BEAT = 0;
    private static final byte WORDS = 1;
    private static final int HEAD = 1 + Integer.BYTES;
    private static final int LONGEST_WORDS = 1 << 13;

    final Pipe pipe;
    private final ByteBuffer in = ByteBuffer.allocate(HEAD + LONGEST_WORDS);
    private String words;
    private boolean ended;
    /** Of {@link System#nanoTime}; 0 before the first sign of life. */
    private long heardAt;

    Control(Pipe pipe) {
        this.pipe = pipe;
    }

    /** Takes in what has come; true if that rank has said something, or has closed the connection. */
    synchronized boolean listen() {
        boolean before = ended || words != null;
        try {
            while (!ended && pipe.read(in) > 0) {
                hear();
            }
        } catch (IOException _) {
            ended = true;
            hear();
        }
        return !before && (ended || words != null);
    }

    private void hear() {
        heardAt = System.nanoTime();
        if (words != null) {
            in.clear(); // it has said why it ends; what comes after that says no more
            return;
        }
        in.flip();
        while (in.hasRemaining() && in.get(in.position()) == BEAT) {
            in.get();
        }
        in.compact();
        if (in.position() >= HEAD) {
            int n = Math.clamp(in.getInt(1), 0, LONGEST_WORDS);
            words = in.position() < HEAD + n ? null : new String(in.array(), HEAD, n, StandardCharsets.UTF_8);
        }
    }

    /** What that rank has said about why it ends; empty if it has said nothing. */
    synchronized Optional<String> words() {
        return Optional.ofNullable(words);
    }

    /** True if that rank has closed the connection, or lost it. */
    synchronized boolean ended() {
        return ended;
    }

    /** True if that rank has shown that it lives, but not in the last {@code nanos}. */
    synchronized boolean silent(long nanos) {
        return !ended && heardAt != 0 && System.nanoTime() - heardAt > nanos;
    }

    /** Time until now does not count as silence. */
    synchronized void forgive() {
        heardAt = heardAt == 0 ? 0 : System.nanoTime();
    }

    /** Shows that this rank lives. */
    void beat() {
        write(ByteBuffer.allocate(1).put(BEAT).flip());
    }

    /** Tells that rank why this one ends. The words are few enough for the system to take them at once. */
    void say(String why) {
        byte[] text = why.getBytes(StandardCharsets.UTF_8);
        int n = Math.min(text.length, LONGEST_WORDS);
        write(ByteBuffer.allocate(HEAD + n).put(WORDS).putInt(n).put(text, 0, n).flip());
    }

    private synchronized void write(ByteBuffer bytes) {
        try {
            pipe.write(bytes);
        } catch (IOException _) {
            // it has ended too
        }
    }

    void close() {
        pipe.close();
    }
}
