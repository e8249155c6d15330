// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import io.eslm.gpt2.data.Progress;
import io.eslm.report.Visible;
import io.eslm.tensor.io.Json;
import com.google.gson.JsonObject;
import java.io.PrintWriter;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/**
 * The output of a command. Results go to the standard output, everything else to the standard error. On a terminal a bar shows
 * the progress; elsewhere there are plain lines, at most one every {@value #LINE_SECONDS} seconds.
 *
 * <p>Nothing that a file, a name or a model contains reaches the terminal as a command to it: {@link Visible}.
 */
public final class Terminal implements AutoCloseable {
    private static final int LINE_SECONDS = 5;
    /** Erases the line of a bar. */
    private static final String ERASE = "\r\u001b[K";

    private final Output output;
    private final PrintWriter out;
    private final PrintWriter err;
    private final PrintWriter control;
    private final boolean terminal;
    private final boolean quiet;
    private final boolean colors;
    private ProgressBar bar;
    private String task = "";
    private long lastLine;
    private boolean saidLost;

    /** @param quiet whether only results are shown */
    Terminal(Output out, Output err, boolean terminal, boolean quiet) {
        this.output = out;
        this.out = out.shown();
        this.err = err.shown();
        this.control = err.raw();
        this.terminal = terminal;
        this.quiet = quiet;
        this.colors = err.colors();
    }

    /** True if it has a bar. */
    public boolean terminal() {
        return terminal;
    }

    /**
     * A line of the result.
     *
     * @throws Output.Lost if nobody can read it
     */
    public void result(String line) {
        erase();
        out.println(line);
        mustArrive();
    }

    /** A line of the result that is one JSON value. */
    public void result(JsonObject json) {
        result(Visible.json(Json.line(json)));
    }

    /**
     * A part of a text.
     *
     * @param raw whether it goes out as it is
     */
    void text(String part, boolean raw) {
        PrintWriter writer = raw ? output.raw() : out;
        writer.print(part);
        writer.flush();
        mustArrive();
    }

    private void mustArrive() {
        if (output.failed()) {
            throw new Output.Lost();
        }
    }

    /** A line about work that goes on even if nobody reads it, because its result is in files. */
    public void log(String line) {
        if (quiet) {
            return;
        }
        erase();
        out.println(line);
        if (output.failed() && !saidLost) {
            saidLost = true;
            note("the work goes on and its files are complete, but its output is lost: " + output.reason());
        }
    }

    /** A line that is not part of the result. */
    public void note(String line) {
        if (!quiet) {
            say(line);
        }
    }

    /** A line that is not part of the result, but without which it is of no use. */
    public void say(String line) {
        erase();
        err.println(line);
        err.flush();
    }

    /** On a terminal, asks for a line. */
    void cue(String text) {
        if (terminal) {
            err.print(text);
            err.flush();
        }
    }

    /** Shows the progress of the data preparation. */
    public Progress progress() {
        return (done, total, what) -> {
            if (total == 0) {
                note(what);
            } else if (terminal && !quiet) {
                bar(what, total, "").stepTo(done);
            } else {
                plain(done, total, what);
            }
        };
    }

    private void plain(long done, long total, String what) {
        long now = System.nanoTime();
        boolean begins = !what.equals(task);
        if (begins || now - lastLine >= TimeUnit.SECONDS.toNanos(LINE_SECONDS)) {
            task = what;
            lastLine = now;
            note(begins ? what + " …" : String.format(Locale.ROOT, "%s … %d %%", what, 100 * done / total));
        }
    }

    /** On a terminal, shows the bar of {@code what}, followed by {@code text}. */
    public void bar(String what, long done, long total, String text) {
        if (terminal && !quiet) {
            bar(what, total, "").setExtraMessage(Visible.line(text)).stepTo(done);
        }
    }

    private ProgressBar bar(String what, long total, String unit) {
        if (bar == null || !what.equals(task)) {
            endBar();
            task = what;
            bar = new ProgressBarBuilder().setTaskName(Visible.line(what)).setInitialMax(total).setUnit(unit, 1)
                    .setStyle(colors ? ProgressBarStyle.COLORFUL_UNICODE_BLOCK
                            : ProgressBarStyle.UNICODE_BLOCK)
                    .setUpdateIntervalMillis(200).continuousUpdate()
                    .setConsumer(new ConsoleProgressBarConsumer(System.err))
                    .build();
        }
        return bar;
    }

    private void erase() {
        if (bar != null) {
            control.print(ERASE);
            control.flush();
        }
    }

    @Override
    public void close() {
        endBar();
    }

    /** Removes the bar, if there is one. */
    public void endBar() {
        if (bar != null) {
            bar.close();
            bar = null;
        }
    }
}
