// SPDX-License-Identifier: Apache-2.0
package io.eslm.web;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.web.TrainingControl.Command;
import io.eslm.web.TrainingControl.State;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** The buttons, and a run that asks them between its steps. */
class TrainingControlTest {
    private final Semaphore changes = new Semaphore(0);
    private final TrainingControl control = new TrainingControl(changes::release);
    private final AtomicInteger steps = new AtomicInteger();
    private final AtomicInteger saves = new AtomicInteger();
    private final AtomicBoolean interrupted = new AtomicBoolean();

    private Thread train() {
        return Thread.ofVirtual().start(() -> {
            while (!control.stops(interrupted::get, saves::incrementAndGet)) {
                steps.incrementAndGet();
            }
        });
    }

    private void await(State state) throws InterruptedException {
        while (control.state() != state) {
            changes.acquire();
        }
    }

    @Test
    void stepsOneByOneWhilePaused() throws InterruptedException {
        control.tell(Command.PAUSE);
        Thread run = train();
        await(State.PAUSED);
        assertEquals(0, steps.get());
        for (int n = 1; n <= 3; n++) {
            control.tell(Command.STEP);
            await(State.PAUSED);
            assertEquals(n, steps.get());
        }
        assertTrue(control.pauses());
        control.tell(Command.GO);
        assertFalse(control.pauses());
        while (steps.get() < 100) {
            Thread.onSpinWait();
        }
        control.tell(Command.STOP);
        run.join();
        assertEquals(State.STOPPING, control.state());
        control.end("done");
        assertEquals(State.ENDED, control.state());
        assertEquals("done", control.message());
    }

    @Test
    void savesAndStopsWhilePaused() throws InterruptedException {
        control.tell(Command.PAUSE);
        Thread run = train();
        await(State.PAUSED);
        control.tell(Command.SAVE);
        while (saves.get() == 0 || !control.message().equals("saved")) {
            changes.acquire();
        }
        assertEquals(State.PAUSED, control.state());
        control.tell(Command.STOP);
        run.join();
        assertEquals(0, steps.get());
        assertEquals(1, saves.get());
    }

    /** Ctrl-C reaches a run that is paused. */
    @Test
    void anInterruptEndsAPause() throws InterruptedException {
        control.tell(Command.PAUSE);
        Thread run = train();
        await(State.PAUSED);
        interrupted.set(true);
        run.join();
        assertEquals(0, steps.get());
    }
}
