// SPDX-License-Identifier: Apache-2.0
package io.eslm.spark;

import io.eslm.cli.CompareCommand;
import io.eslm.cli.Terminal;
import io.eslm.compare.CompareEngine;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine.Command;

/** The command compare for one run, in an executor. The driver reports its error. */
@Command(name = "compare", header = "A run.")
final class ComparedRunCommand extends CompareCommand {
    /** Of this process, which keeps data and compiled code for its next run. */
    private static final Map<List<String>, CompareEngine> ENGINES = new HashMap<>();

    private final int index;
    private final boolean again;
    private Optional<String> diverged = Optional.empty();
    private String failure;

    /**
     * @param index of the run
     * @param again whether an executor that had the run is lost
     */
    ComparedRunCommand(int index, boolean again) {
        this.index = index;
        this.again = again;
    }

    @Override
    protected int compare(Terminal screen) {
        try {
            synchronized (ENGINES) { // an executor has one task
                diverged = ENGINES.computeIfAbsent(spec.commandLine().getParseResult().expandedArgs(),
                        _ -> describe(screen).join()).run(index, again);
            }
            return 0;
        } catch (RuntimeException | Error e) {
            failure = message(e);
            return 1;
        }
    }

    /** The name of the run, if it diverged. */
    Optional<String> diverged() {
        return diverged;
    }

    /** Why it failed, in a sentence; null if it did not. */
    String failure() {
        return failure;
    }
}
