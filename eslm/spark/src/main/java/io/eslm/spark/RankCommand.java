// SPDX-License-Identifier: Apache-2.0
package io.eslm.spark;

import io.eslm.cli.Terminal;
import io.eslm.cli.TrainCommand;
import io.eslm.run.RankPlace;
import io.eslm.run.Run;
import picocli.CommandLine.Command;

/** The command train as one rank of a job, in an executor. The driver reports its error. */
@Command(name = "train", header = "A rank.")
final class RankCommand extends TrainCommand {
    private final RankPlace place;
    private final int threads;
    private String failure;

    /** @param threads of the task, where the user does not say how many */
    RankCommand(RankPlace place, int threads) {
        this.place = place;
        this.threads = threads;
    }

    @Override
    protected Run describe() {
        Run run = super.describe().place(place).goingOn();
        return options.has(Run.THREADS) ? run : run.option(Run.THREADS, threads);
    }

    @Override
    protected int run(Terminal screen) {
        try {
            return super.run(screen);
        } catch (RuntimeException | Error e) {
            failure = message(e);
            return 1;
        }
    }

    /** Why it failed, in a sentence; null if it did not. */
    String failure() {
        return failure;
    }
}
