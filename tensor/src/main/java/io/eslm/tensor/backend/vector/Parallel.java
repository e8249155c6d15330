// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.vector;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/**
 * Runs the tasks of one kernel on all cores. The caller takes part; the other threads spin for a moment after each job,
 * so that the next kernel of a training step starts within a microsecond or so, and then park.
 *
 * <p>Tasks are claimed as threads become free: which thread runs a task is left to chance, so a kernel gives every
 * element of its output to one task and splits its work by shape alone. Then its result has the same bits on any number
 * of threads.
 *
 * <p>A call from inside a task, or while another thread's job is running, runs in full on its caller's thread.
 */
final class Parallel implements AutoCloseable {
    interface Task {
        void run(int index);
    }

    interface RangeTask {
        void run(int from, int to);
    }

    private static final long SPIN_NANOS = 50_000;
    private static final int MOST_RANGES = 64;
    private static final int INDEX_BITS = 32;

    private final Worker[] workers;
    private final AtomicBoolean busy = new AtomicBoolean();
    /**
     * Job number in the high half, tasks not yet claimed in the low half. A claim is one compare-and-set of the whole,
     * so a thread that comes late can neither claim from a job that is over nor see the next job half prepared.
     */
    private final AtomicLong unclaimed = new AtomicLong();
    private final AtomicInteger unfinished = new AtomicInteger();
    private int tasks;
    private Task body;
    private volatile Throwable failure;
    private volatile Thread waiter;
    private volatile boolean closed;

    /**
     * Starts the threads.
     *
     * @param threads how many, the caller included; 0 means all cores
     */
    Parallel(int threads) {
        int n = threads == 0 ? Runtime.getRuntime().availableProcessors() : threads;
        workers = new Worker[n - 1];
        for (int i = 0; i < workers.length; i++) {
            workers[i] = new Worker("kernels-" + (i + 1));
        }
        for (Worker w : workers) {
            w.start();
        }
    }

    int threads() {
        return workers.length + 1;
    }

    /**
     * Runs {@code body} once for each index below {@code tasks}, in any order; the first failure is thrown at the end.
     */
    void run(int tasks, Task body) {
        if (tasks < 2 || workers.length == 0 || !busy.compareAndSet(false, true)) {
            for (int i = 0; i < tasks; i++) {
                body.run(i);
            }
            return;
        }
        try {
            failure = null;
            this.tasks = tasks;
            this.body = body;
            unfinished.set(tasks);
            unclaimed.set((unclaimed.get() >>> INDEX_BITS) + 1 << INDEX_BITS | tasks);
            for (int i = 0; i < Math.min(tasks - 1, workers.length); i++) {
                workers[i].wake();
            }
            work();
            await();
            rethrow();
        } finally {
            this.body = null;
            busy.set(false);
        }
    }

    /**
     * Runs {@code body} on consecutive ranges that cover [0, n), each a multiple of {@code grain} long but for the
     * last. The split depends on n and grain alone, so a partial result per range has the same bits on any number of
     * threads.
     */
    void ranges(int n, int grain, RangeTask body) {
        int step = rangeLength(n, grain);
        run((int) (((long) n + step - 1) / step), i -> body.run(i * step, (int) Math.min(n, (i + 1L) * step)));
    }

    /** The length of each range but the last in {@link #ranges}: at least {@code grain}, and at most 64 ranges. */
    static int rangeLength(int n, int grain) {
        long grains = ((long) n + grain - 1) / grain;
        return (int) Math.min(Integer.MAX_VALUE, Math.max(1, (grains + MOST_RANGES - 1) / MOST_RANGES) * grain);
    }

    @Override
    public void close() {
        closed = true;
        for (Worker w : workers) {
            LockSupport.unpark(w);
        }
    }

    /** Claims and runs tasks of the current job until none is left. */
    private void work() {
        for (long s = unclaimed.get(); (int) s != 0; s = unclaimed.get()) {
            int index = tasks - (int) s;
            Task job = body;
            if (unclaimed.compareAndSet(s, s - 1)) {
                try {
                    if (failure == null) {
                        job.run(index);
                    }
                } catch (Throwable t) {
                    failure = t;
                }
                if (unfinished.decrementAndGet() == 0) {
                    LockSupport.unpark(waiter);
                }
            }
        }
    }

    private void await() {
        if (spin(true)) {
            return;
        }
        waiter = Thread.currentThread();
        while (unfinished.get() != 0) {
            LockSupport.park(this);
        }
        waiter = null;
    }

    /** Spins until the job is finished (or, for a worker, until there is one); false if that takes long. */
    private boolean spin(boolean finish) {
        long start = System.nanoTime();
        do {
            for (int i = 0; i < 32; i++) {
                if (finish ? unfinished.get() == 0 : (int) unclaimed.get() != 0) {
                    return true;
                }
                Thread.onSpinWait();
            }
        } while (System.nanoTime() - start < SPIN_NANOS);
        return false;
    }

    private void rethrow() {
        Throwable t = failure;
        failure = null;
        switch (t) {
            case null -> {}
            case RuntimeException e -> throw e;
            case Error e -> throw e;
            default -> throw new AssertionError(t);
        }
    }

    private final class Worker extends Thread {
        private volatile boolean parked;

        Worker(String name) {
            super(name);
            setDaemon(true);
        }

        void wake() {
            if (parked) {
                LockSupport.unpark(this);
            }
        }

        @Override
        public void run() {
            while (!closed) {
                work();
                if (!spin(false)) {
                    parked = true;
                    while ((int) unclaimed.get() == 0 && !closed) {
                        LockSupport.park(Parallel.this);
                    }
                    parked = false;
                }
            }
        }
    }
}
