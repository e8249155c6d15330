// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import java.util.concurrent.Callable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** A command: it declares its options, runs, and writes to a {@link Terminal}. Another program may have commands of its own. */
public abstract class EslmCommand implements Callable<Integer> {
    /** What the user types to start the program: its launcher says so. */
    protected static final String PROGRAM = System.getProperty("eslm.program", "bin/eslm");

    /** The declared options and what was given for them. */
    protected final DeclaredOptions options = new DeclaredOptions();

    /** What picocli knows of the command. */
    @Spec
    protected CommandSpec spec;
    @ParentCommand
    private Main program;

    /** Adds the declared options to {@code command}. */
    protected abstract void declare(CommandSpec command);

    /** Does the work; returns the exit code. */
    protected abstract int run(Terminal screen);

    /** What is wrong, in the sentence that the program prints where a command fails. */
    protected final String message(Throwable failure) {
        return ErrorReport.message(failure, spec);
    }

    @Override
    public final Integer call() {
        try (Terminal screen = program.screen(StandardOptions.wantsQuiet(spec.commandLine()))) {
            return run(screen);
        }
    }
}
