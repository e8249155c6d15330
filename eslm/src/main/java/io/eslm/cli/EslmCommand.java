// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import java.util.concurrent.Callable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** A command: it declares its options, runs, and writes to a {@link Terminal}. */
abstract class EslmCommand implements Callable<Integer> {
    /** What the user types to start the program: its launcher says so. */
    static final String PROGRAM = System.getProperty("eslm.program", "bin/eslm");

    /** The declared options and what was given for them. */
    final DeclaredOptions options = new DeclaredOptions();

    @Spec
    CommandSpec spec;
    @ParentCommand
    private Main program;

    /** Adds the declared options to {@code command}. */
    abstract void declare(CommandSpec command);

    /** Does the work; returns the exit code. */
    abstract int run(Terminal screen);

    @Override
    public final Integer call() {
        try (Terminal screen = program.screen(StandardOptions.wantsQuiet(spec.commandLine()))) {
            return run(screen);
        }
    }
}
