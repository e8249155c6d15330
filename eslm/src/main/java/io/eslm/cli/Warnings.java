// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import io.eslm.report.Visible;
import java.io.PrintWriter;
import java.util.logging.Formatter;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.SimpleFormatter;

/** Prints the warnings of the library in one line each. What they quote from files cannot drive the terminal. */
final class Warnings extends Handler {
    /** Of the library that reads Parquet, which also says how it does that. Kept here, or the level would be lost. */
    private static final Logger PARQUET = Logger.getLogger("dev.hardwood");

    private final PrintWriter err;
    private final Formatter text = new SimpleFormatter();

    private Warnings(PrintWriter err) {
        this.err = err;
        setLevel(Level.INFO);
    }

    /** From now on, in the whole process, in place of the JDK's two lines. */
    static void printTo(PrintWriter err) {
        Logger root = Logger.getLogger("");
        for (Handler handler : root.getHandlers()) {
            root.removeHandler(handler);
        }
        root.addHandler(new Warnings(err));
        PARQUET.setLevel(Level.WARNING);
    }

    @Override
    public void publish(LogRecord warning) {
        if (isLoggable(warning)) {
            err.println("warning: " + Visible.line(text.formatMessage(warning)));
        }
    }

    @Override
    public void flush() {
        err.flush();
    }

    @Override
    public void close() {
        flush();
    }
}
