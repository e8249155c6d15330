// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench;

import io.eslm.bench.offload.OffloadBench;
import io.eslm.bench.scale.ScaleBench;
import io.eslm.bench.site.SiteCommand;
import io.eslm.tensor.UserError;
import java.util.Arrays;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** {@code bin/eslm bench}: checks results, then times kernels, steps, and generation, each as a share of the measured peak. */
@Command(name = "eslm bench", description = "Times kernels, training steps and generation on this machine.",
        mixinStandardHelpOptions = true, synopsisSubcommandLabel = "COMMAND",
        subcommands = {StepBench.class, SoakBench.class, KernelBench.class,
            GenerateBench.class, ServeBench.class, ProgramBench.class, OffloadBench.class, CollectiveBench.class,
            ScaleBench.class,
            JmhBench.class,
            SiteCommand.class})
public final class Main {
    private Main() {
    }

    /** All benchmarks, with messages instead of stack traces for errors of the user. */
    static CommandLine commandLine() {
        CommandLine line = new CommandLine(new Main()).setOverwrittenOptionsAllowed(true);
        line.setExecutionExceptionHandler((e, cmd, parsed) -> {
            if (!(e instanceof UserError)) {
                throw e;
            }
            cmd.getErr().println("eslm bench: " + e.getMessage());
            return 1;
        });
        return line;
    }

    public static void main(String[] args) {
        System.exit(commandLine()
                .execute(args.length > 0 && args[0].equals("bench") ? Arrays.copyOfRange(args, 1, args.length)
                        : args));
    }
}
