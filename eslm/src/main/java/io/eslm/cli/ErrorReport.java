// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import io.eslm.tensor.UserError;
import java.io.PrintWriter;

/** Says what went wrong, once and in words; the stack trace is for who asks. */
final class ErrorReport {
    private static final int FAILED = 1;

    private ErrorReport() {
    }

    /** Prints the message and returns the exit code. */
    static int report(Throwable failure, PrintWriter err, boolean trace) {
        String message;
        if (find(failure, OutOfMemoryError.class) != null) {
            message =
                    "the memory is full. Take a smaller --batch-size (with --grad-accum for the same step), a shorter "
                            + "--block-size or a smaller --model";
        } else if (find(failure, UserError.class) instanceof UserError user) {
            message = user.getMessage();
        } else {
            message = "a mistake in this program, not in your input: " + failure
                    + ". Please report it with the output of "
                    + "the same command and --verbose";
        }
        err.println("error: " + message);
        if (trace) {
            failure.printStackTrace(err);
        }
        err.flush();
        return FAILED;
    }

    /** The first of that type in the chain of causes, or null; parallel loops wrap what their threads throw. */
    private static Throwable find(Throwable failure, Class<? extends Throwable> type) {
        Throwable t = failure;
        while (t != null && !type.isInstance(t)) {
            t = t.getCause();
        }
        return t;
    }
}
