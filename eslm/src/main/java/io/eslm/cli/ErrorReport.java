// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import io.eslm.gpt2.option.OptionError;
import io.eslm.run.RunPlan;
import io.eslm.tensor.UserError;
import java.io.PrintWriter;
import picocli.CommandLine.Model.CommandSpec;

/** Reports an error in one line; with a stack trace if the user asks for it. */
final class ErrorReport {
    /** Exit code. */
    static final int FAILED = 1;

    private ErrorReport() {
    }

    /**
     * Prints the message and returns the exit code.
     *
     * @param command whose options the message names by their flags
     */
    static int report(Throwable failure, CommandSpec command, Output err, boolean trace) {
        err.error(message(failure, command));
        if (trace) {
            PrintWriter shown = err.shown();
            failure.printStackTrace(shown);
            shown.flush();
        }
        return FAILED;
    }

    /** What is wrong, in a sentence; {@code command} as in {@link #report}. */
    static String message(Throwable failure, CommandSpec command) {
        if (find(failure, OutOfMemoryError.class) != null) {
            return "out of memory. " + RunPlan.MEMORY_ADVICE;
        }
        Throwable user = find(failure, UserError.class);
        if (user instanceof OptionError option) {
            return DeclaredOptions.message(option, command);
        }
        return user != null ? user.getMessage() : "this is a bug in eslm, not in your input: " + failure
                + ". Please report it with the output of the same command plus --verbose";
    }

    /** The first of that type in the chain of causes, or null. Parallel loops wrap the exceptions of their threads. */
    private static Throwable find(Throwable failure, Class<? extends Throwable> type) {
        Throwable t = failure;
        while (t != null && !type.isInstance(t)) {
            t = t.getCause();
        }
        return t;
    }
}
