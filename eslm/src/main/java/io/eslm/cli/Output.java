// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import io.eslm.report.Visible;
import io.eslm.tensor.io.FileErrors;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.Writer;
import java.util.Locale;

/**
 * One of the program's two streams. What could drive the terminal is made visible ({@link Visible}), unless it is written to
 * {@link #raw}. Remembers why writing failed, which a {@link PrintWriter} forgets.
 */
final class Output extends Writer {
    private final Writer sink;
    private IOException failure;
    private boolean colors;

    Output(Writer sink) {
        this.sink = sink;
    }

    /** Thrown where work has no purpose because nobody can read its result. */
    static final class Lost extends RuntimeException {
        private static final long serialVersionUID = 1;
    }

    /** From now on, words that stand out have colours. */
    void colors(boolean on) {
        colors = on;
    }

    boolean colors() {
        return colors;
    }

    /** A line that says what is wrong. */
    void error(String message) {
        PrintWriter control = raw();
        control.print(colors ? "\u001b[1;31merror:\u001b[0m " : "error: ");
        control.flush();
        shown().println(Visible.line(message));
    }

    /** Prints and flushes as it is told, visibly. */
    PrintWriter shown() {
        return new PrintWriter(this, true);
    }

    /** Prints every character as it is. */
    PrintWriter raw() {
        return new PrintWriter(new Writer() {
            @Override
            public void write(char[] chars, int from, int n) throws IOException {
                Output.this.write(new String(chars, from, n), false);
            }

            @Override
            public void write(String text, int from, int n) throws IOException {
                Output.this.write(text.substring(from, from + n), false);
            }

            @Override
            public void flush() throws IOException {
                Output.this.flush();
            }

            @Override
            public void close() {
                // the stream belongs to the process
            }
        }, true);
    }

    /** True if something that was written is lost. */
    synchronized boolean failed() {
        return failure != null;
    }

    /** True if the reader at the other end of a pipe has gone, as {@code head} does when it has seen enough. */
    synchronized boolean hasNoReader() {
        return failed() && failure.getMessage() != null
                && failure.getMessage().toLowerCase(Locale.ROOT).matches(".*(broken pipe|pipe is being closed).*");
    }

    /** Why writing failed, in a few words. */
    synchronized String reason() {
        return FileErrors.reason(failure);
    }

    private synchronized void write(String text, boolean visible) throws IOException {
        try {
            sink.write(visible ? Visible.of(text) : text);
        } catch (IOException e) {
            throw remember(e);
        }
    }

    private IOException remember(IOException e) {
        failure = failure == null ? e : failure;
        return e;
    }

    @Override
    public void write(char[] chars, int from, int n) throws IOException {
        write(new String(chars, from, n), true);
    }

    @Override
    public void write(String text, int from, int n) throws IOException {
        write(text.substring(from, from + n), true);
    }

    @Override
    public synchronized void flush() throws IOException {
        try {
            sink.flush();
        } catch (IOException e) {
            throw remember(e);
        }
    }

    @Override
    public void close() {
        // the stream belongs to the process
    }
}
