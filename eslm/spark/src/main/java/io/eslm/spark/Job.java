// SPDX-License-Identifier: Apache-2.0
package io.eslm.spark;

import io.eslm.cli.Terminal;
import io.eslm.tensor.UserError;
import java.io.Writer;
import java.util.function.Function;
import org.apache.spark.SparkContext;
import org.apache.spark.api.java.JavaSparkContext;

/**
 * A job of a command. What its tasks print reaches the driver's terminal as it comes. A task that fails by what the user asked for, or
 * by the data, says why, and the job ends with that sentence; Spark starts any other task again that fails.
 */
public final class Job {
    private static final String GROUP = "eslm";
    private static final String RESULT = "result";
    private static final String NOTE = "note";
    private static final String FAULT = "fault";
    private static final String LOST = "lost";
    private static final String END = "end";
    private static final String STOPPED = "stopped; the same command goes on";

    private final Cluster cluster;
    private final Terminal screen;
    private volatile String fault;
    private volatile String lost;
    private volatile boolean stopped;

    /** @param screen where to show what tasks print */
    public Job(Cluster cluster, Terminal screen) {
        this.cluster = cluster;
        this.screen = screen;
    }

    /**
     * Does the work.
     *
     * @param description for Spark's pages
     * @throws UserError that a task has thrown to {@link #fail}, or that says why Spark ended the job
     */
    public <T> T run(String description, Function<JavaSparkContext, T> work) {
        try {
            return attempt(description, work);
        } catch (SparkFailure e) {
            throw new UserError("Spark ended the job: " + e.getMessage(), e);
        }
    }

    /** Like {@link #run}, where the caller knows what to do if Spark gives up. */
    <T> T attempt(String description, Function<JavaSparkContext, T> work) throws SparkFailure {
        fault = null;
        lost = null;
        Messages.listen(this::hear);
        JavaSparkContext context = cluster.context();
        Thread hook = new Thread(() -> stop(context), "stop");
        Runtime.getRuntime().addShutdownHook(hook);
        try {
            context.setJobGroup(GROUP, description, true);
            T result = work.apply(context);
            if (fault == null) {
                return result;
            }
        } catch (Exception e) { // Spark's own are checked, and Scala does not say so
            if (stopped) {
                throw new UserError(STOPPED, e);
            }
            if (fault == null) {
                throw new SparkFailure(e, lost);
            }
        } finally {
            Messages.listen(_ -> null);
            forget(hook);
        }
        throw new UserError(fault);
    }

    /** Ctrl-C, or a signal: Spark stops its executors, whose tasks end as they can. What it says about that helps nobody. */
    private void stop(JavaSparkContext context) {
        stopped = true;
        context.setLogLevel("OFF");
    }

    private static void forget(Thread hook) {
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException _) {
            // it runs already
        }
    }

    /** Spark gave up. */
    static final class SparkFailure extends Exception {
        private static final long serialVersionUID = 1;
        private final String lost;

        private SparkFailure(Exception e, String lost) {
            super(String.valueOf(e.getMessage()).lines().findFirst().orElse(""), e);
            this.lost = lost;
        }

        /** Why a task said that it had lost another one; null if none said so. */
        String lost() {
            return lost;
        }
    }

    /** Returns an answer to those who ask, and null to those who only tell. */
    private String hear(String... message) {
        String text = message[1];
        switch (message[0]) {
            case RESULT -> screen.log(text);
            case NOTE -> screen.note(text);
            case END -> {
            }
            case LOST -> lost = lost == null ? text : lost;
            case FAULT -> {
                fault = fault == null ? text : fault;
                SparkContext context = cluster.session().sparkContext();
                Thread.ofVirtual().start(() -> context.cancelJobGroup(GROUP)); // others may wait for that task
            }
            default -> throw new IllegalArgumentException(message[0]);
        }
        return message[0].equals(RESULT) || message[0].equals(NOTE) ? null : "";
    }

    // ---- in tasks

    /** Shows lines on the driver's standard output. */
    public static Writer results() {
        return writer(RESULT);
    }

    /** Shows lines on the driver's standard error. */
    public static Writer notes() {
        return writer(NOTE);
    }

    /** At its end it waits until the driver has all lines: the job may be over before. */
    private static Writer writer(String kind) {
        return new LineWriter(line -> Messages.send(kind, line), () -> Messages.ask(END, ""));
    }

    /** Ends the job with the sentence {@code why}. */
    public static void fail(String why) {
        Messages.ask(FAULT, why);
        throw new UserError(why);
    }

    /** Tells that this task will fail because another one is lost. */
    static void lost(String why) {
        Messages.ask(LOST, why);
    }
}
