// SPDX-License-Identifier: Apache-2.0
package io.eslm.serve;

import java.io.IOException;
import java.util.concurrent.Semaphore;
import java.time.Duration;

/**
 * Answers requests for completions. While the model works, something is sent every second: the text of a stream, a comment, or white
 * space before a JSON object. A client that is gone is found by that, and its sequences are cancelled.
 */
final class CompletionHandler {
    private static final String KEEP_WAITING = ": waiting\n\n";
    private static final String DONE = "data: [DONE]\n\n";

    private final ServedModel model;
    private final Metrics metrics;
    private final Semaphore reading = new Semaphore(Runtime.getRuntime().availableProcessors());
    private final CompletionReader reader;
    private final Duration timeLimit;
    private final long beatNanos;

    /** @param beat time between signs of life */
    CompletionHandler(ServedModel model, ServeOptions options, Metrics metrics, Duration beat) {
        this.model = model;
        this.metrics = metrics;
        this.reader = new CompletionReader(model, options);
        this.timeLimit = options.timeLimit();
        this.beatNanos = beat.toNanos();
    }

    /** A request under way. */
    private final class Work {
        private final CompletionRun run;
        private final Answer answer;
        private final long arrived;
        private long lastBeat = System.nanoTime();
        private boolean first = true;

        Work(CompletionRun run, Answer answer, long arrived) {
            this.run = run;
            this.answer = answer;
            this.arrived = arrived;
        }

        /** Like {@link CompletionRun#next}; null if nothing happens until the next sign of life is due. */
        Choice next() throws InterruptedException {
            long left = arrived + timeLimit.toNanos() - System.nanoTime();
            if (left <= 0) {
                throw ApiError.server(504, "timeout", "the request took longer than " + timeLimit.toSeconds()
                        + " s, which is the limit here. Ask for less, or try again when the server has less to do");
            }
            long wait = Math.max(0, Math.min(left, lastBeat + beatNanos - System.nanoTime()));
            Choice choice = run.next(wait);
            if (choice != null && first) {
                first = false;
                metrics.first((System.nanoTime() - arrived) * 1e-9);
            }
            return choice;
        }

        boolean beatIsDue() {
            return System.nanoTime() - lastBeat >= beatNanos;
        }

        void send(String part) throws IOException {
            answer.part(part);
            lastBeat = System.nanoTime();
        }

        /** No sign of life is sent, because there is no answer yet that could carry it. */
        void skipBeat() {
            lastBeat = System.nanoTime();
        }

        String complete() {
            metrics.complete((System.nanoTime() - arrived) * 1e-9, run);
            return run.promptTokens() + " + " + run.newTokens() + " tokens";
        }
    }

    /**
     * Answers a request.
     *
     * @param arrived when, by {@link System#nanoTime}
     * @return a few words about it, for the log
     * @throws ApiError if it cannot be served
     * @throws IOException if the client is gone
     */
    String answer(byte[] body, Answer answer, long arrived) throws IOException, InterruptedException {
        CompletionRequest request = read(body);
        try (CompletionRun run = new CompletionRun(model, request, "cmpl-" + answer.requestId())) {
            Work work = new Work(run, answer, arrived);
            return request.stream() ? stream(work, request.includeUsage()) : whole(work);
        }
    }

    /** On so many threads as there are cores, because a body in memory takes many times its size. */
    private CompletionRequest read(byte[] body) throws InterruptedException {
        reading.acquire();
        try {
            return reader.read(body);
        } finally {
            reading.release();
        }
    }

    private static String whole(Work work) throws IOException, InterruptedException {
        while (!work.run.done()) {
            Choice _ = work.next();
            if (work.beatIsDue()) {
                if (!work.run.begun()) {
                    work.skipBeat(); // it waits for its turn, and may still be told that it waited too long
                    continue;
                }
                if (!work.answer.isCommitted()) {
                    work.answer.begin(Answer.JSON);
                }
                work.send(" ");
            }
        }
        String said = work.complete();
        if (work.answer.isCommitted()) {
            work.send(work.run.whole());
            work.answer.end();
        } else {
            work.answer.whole(200, Answer.JSON, work.run.whole());
        }
        return said;
    }

    private static String stream(Work work, boolean includeUsage) throws IOException, InterruptedException {
        try {
            while (!work.run.done()) {
                Choice choice = work.next();
                String chunk = choice == null ? null : work.run.chunk(choice);
                if (!work.answer.isCommitted()) {
                    work.answer.begin(Answer.EVENTS);
                }
                if (chunk != null) {
                    work.send("data: " + chunk + "\n\n");
                } else if (work.beatIsDue()) {
                    work.send(KEEP_WAITING);
                }
            }
        } catch (ApiError e) {
            if (!work.answer.isCommitted()) {
                throw e;
            }
            work.send("data: " + e.json() + "\n\n");
            work.answer.end();
            return e.status() + " after the first part: " + e.getMessage();
        }
        String said = work.complete();
        work.send((includeUsage ? "data: " + work.run.usageChunk() + "\n\n" : "") + DONE);
        work.answer.end();
        return said;
    }
}
