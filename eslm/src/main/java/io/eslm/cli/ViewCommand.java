// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import io.eslm.gpt2.option.Option;
import io.eslm.report.TensorBoard;
import io.eslm.tensor.UserError;
import io.eslm.web.HttpSite;
import io.eslm.web.RunSite;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;

/** Shows runs in a page. */
@Command(name = "view",
        header = "Shows one or several runs in a page: curves, layers, tokens and their decisions, samples, settings.",
        description = {"",
            "Serves the page on the loopback address and prints where, until Ctrl-C. Runs that train meanwhile grow in it. Several "
                    + "runs are drawn over each other, with a table of the settings in which they differ. Pictures of the layers and the "
                    + "token window over time need a run that recorded them: train --live or --record-interval.",
            ""},
        footer = {"", "Examples:", "  eslm view runs/jdk-cvar-loss-0.1",
            "  eslm view runs/a runs/b --out both.html",
            "  eslm view runs/a runs/b --tensorboard --out boards/"})
final class ViewCommand extends EslmCommand {
    private static final Option<Path> OUT =
            Option.path("out", "FILE",
                    "write the page into one HTML file, which needs nothing else, instead of serving it")
                    .defaultsTo("serve", _ -> null);

    @CommandLine.Parameters(arity = "1..*", paramLabel = "RUN", description = "folders of runs")
    private List<Path> runs;
    @CommandLine.Option(names = "--tensorboard", order = Options.LATE,
            description = "write event files for TensorBoard into the runs' folders, or under --out, instead of serving the page")
    private boolean tensorBoard;

    @Override
    protected void declare(CommandSpec command) {
        options.add(command, "", List.of(OUT, HttpSite.PORT, HttpSite.HOST));
    }

    @Override
    protected int run(Terminal screen) {
        Optional<Path> out = options.find(OUT);
        if ((tensorBoard || out.isPresent()) && (options.has(HttpSite.PORT) || options.has(HttpSite.HOST))) {
            throw new UserError((tensorBoard ? "--tensorboard: writes files" : "--out: writes a file")
                    + " and serves nothing. Omit --port and --host");
        }
        if (tensorBoard) {
            for (Path run : runs) {
                Path folder = out.map(o -> o.resolve(run.toAbsolutePath().normalize().getFileName())).orElse(run);
                screen.note("events:  " + TensorBoard.write(run, folder));
            }
            return 0;
        }
        if (out.isPresent()) {
            RunSite.write(runs, out.get());
            screen.note("page:    " + out.get());
            return 0;
        }
        try (RunSite site = RunSite.view(runs, options.get(HttpSite.HOST), options.get(HttpSite.PORT))) {
            announce(screen, site);
            new CountDownLatch(1).await(); // until the program is ended
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
        return 0;
    }

    /** Where the page is, and who can see it. */
    static void announce(Terminal screen, RunSite site) {
        screen.say("page:    " + site.address());
        if (site.isPublic()) {
            screen.say(
                    "warning: the page is not encrypted, and whoever has its address and reaches this machine can use it. "
                            + "Safer: serve on the loopback address, and reach it through ssh -L");
        }
    }
}
