// SPDX-License-Identifier: Apache-2.0
package io.eslm.web;

import io.eslm.gpt2.train.DivergedError;
import io.eslm.tensor.UserError;
import java.time.Duration;
import java.util.Locale;
import java.util.function.BooleanSupplier;

/**
 * Lets other threads pause, step, save and stop a run. The run asks {@link #stops} between its steps; there, and only there, it
 * waits while it is paused. So a pause changes nothing but the time.
 */
public final class TrainingControl {
    /** What a run is told to do. */
    public enum Command {
        PAUSE, STEP, GO, SAVE, STOP;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** What it does. */
    public enum State {
        RUNNING, PAUSED, STOPPING, ENDED;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    private static final Duration LOOK = Duration.ofMillis(100);

    private final Runnable changed;
    private boolean paused;
    private int allowed;
    private boolean save;
    private boolean stop;
    private boolean waiting;
    private boolean ended;
    private long saves;
    private String last = "";
    /** Grows with every change, so that a page can tell an older state that arrives late. */
    private long version;

    /** @param changed called, without locks held, when {@link #state} or {@link #message} may have changed */
    public TrainingControl(Runnable changed) {
        this.changed = changed;
    }

    /** Tells the run what to do before its next step. */
    public void tell(Command command) {
        synchronized (this) {
            switch (command) {
                case PAUSE -> paused = true;
                case STEP -> {
                    paused = true;
                    allowed++;
                }
                case GO -> {
                    paused = false;
                    allowed = 0;
                }
                case SAVE -> {
                    save = true;
                    last = "saving after this step";
                }
                case STOP -> stop = true;
            }
            version++;
            notifyAll();
        }
        changed.run();
    }

    /**
     * Called by the thread that trains, between steps: saves if asked to, waits while paused.
     *
     * @param interrupted looked at while it waits; true ends the run
     * @param saving saves the run as it is
     * @return true to end the run
     */
    public boolean stops(BooleanSupplier interrupted, Runnable saving) {
        while (true) {
            if (takesSave()) {
                trySave(saving);
            }
            if (interrupted.getAsBoolean()) {
                tell(Command.STOP);
                return true;
            }
            boolean waits;
            synchronized (this) {
                if (stop) {
                    return true;
                }
                if (!paused || allowed > 0) {
                    allowed = Math.max(0, allowed - 1);
                    waiting = false;
                    version++;
                    return false;
                }
                waits = !waiting;
                waiting = true;
                version++;
            }
            if (waits) {
                changed.run();
            }
            await();
        }
    }

    private synchronized boolean takesSave() {
        boolean wanted = save;
        save = false;
        return wanted;
    }

    /** A save that the page asks for and that fails, on a full disk for example, ends no run. */
    private void trySave(Runnable saving) {
        String said;
        try {
            saving.run();
            saves++;
            said = saves == 1 ? "saved" : "saved, " + saves + " times now";
        } catch (DivergedError e) {
            throw e;
        } catch (UserError e) {
            said = "not saved: " + e.getMessage();
        }
        synchronized (this) {
            last = said;
            version++;
        }
        changed.run();
    }

    /** Until something is told, or it is time to look at the interrupt again. */
    private synchronized void await() {
        long until = System.nanoTime() + LOOK.toNanos();
        try {
            while (!save && !stop && paused && allowed == 0) {
                long left = (until - System.nanoTime()) / 1_000_000;
                if (left <= 0) {
                    return;
                }
                wait(left);
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            stop = true;
        }
    }

    /** The run is over; {@code why} is a sentence about it. */
    public void end(String why) {
        synchronized (this) {
            ended = true;
            last = why;
            version++;
        }
        changed.run();
    }

    public synchronized State state() {
        return ended ? State.ENDED : stop ? State.STOPPING : waiting && paused && allowed == 0 ? State.PAUSED
                : State.RUNNING;
    }

    /** True if it waits, or will before the next step but those that are allowed. */
    public synchronized boolean pauses() {
        return paused;
    }

    /** Grows with every change of the others. */
    public synchronized long version() {
        return version;
    }

    /** What happened last; "" for nothing. */
    public synchronized String message() {
        return last;
    }
}
