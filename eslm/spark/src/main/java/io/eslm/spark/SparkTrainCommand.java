// SPDX-License-Identifier: Apache-2.0
package io.eslm.spark;

import io.eslm.cli.Terminal;
import io.eslm.cli.TrainCommand;
import io.eslm.gpt2.option.Option;
import io.eslm.gpt2.option.OptionError;
import io.eslm.run.RankOptions;
import io.eslm.run.RankPlace;
import io.eslm.run.Run;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.spark.SparkConf;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;

/** The command train on Spark: each task of a barrier stage is a rank. */
@Command(name = "train", abbreviateSynopsis = true,
        header = "Trains on Spark: each executor is a rank, and computes its share of each step.",
        description = {"",
            "The result has the same bits for any number of executors. The folder of the run must be on a file system that all "
                    + "hosts share. A lost executor is replaced, and the training goes on from its newest checkpoint; where the "
                    + "program itself was stopped, the same command goes on.",
            ""},
        footer = {"", "Examples:",
            "  eslm train --spark local-cluster[4,1,2048] --data book.txt --grad-accum 4 --out-dir runs/book",
            "  spark-submit --class io.eslm.spark.SparkMain eslm-spark.jar train --data /data/owt --out-dir /runs/owt …"})
final class SparkTrainCommand extends TrainCommand {
    private static final int USUAL_ATTEMPTS = 4;
    /** What Spark decides. */
    private static final List<Option<?>> OF_LAUNCHERS =
            List.of(RankOptions.RANK, RankOptions.RENDEZVOUS, RankOptions.SECRET_FILE, RankOptions.TLS_FILE);

    @Override
    protected void declare(CommandSpec command) {
        super.declare(command);
        options.add(command, "Spark", Cluster.options());
    }

    @Override
    protected int run(Terminal screen) {
        for (Option<?> option : OF_LAUNCHERS) {
            if (options.has(option)) {
                throw new OptionError(option, null, "Spark places the ranks. Omit the option");
            }
        }
        if (!options.has(Run.OUT_DIR)) {
            throw new OptionError(Run.OUT_DIR, null,
                    "must be given on Spark: a folder that all hosts see. The same command goes on "
                            + "with the run that is there");
        }
        List<Option<?>> mine = new ArrayList<>(Cluster.options());
        mine.add(RankOptions.WORLD);
        List<String> words = new ArrayList<>(List.of("train"));
        words.addAll(options.words(mine));
        configWord().ifPresent(words::add);
        Path folder = options.get(Run.OUT_DIR);
        SparkConf settings = Cluster.settings("train", options.find(Cluster.MASTER), true);
        Optional<Integer> executors = Cluster.executors(settings);
        int world = options.find(RankOptions.WORLD).or(() -> executors)
                .orElseThrow(() -> new OptionError(RankOptions.WORLD, null,
                        "must be given: on how many executors to train (spark.executor.instances is not set)"));
        executors.filter(there -> there < world).ifPresent(there -> {
            throw new OptionError(RankOptions.WORLD, world, "Spark was asked for " + there
                    + " executors, and each takes one rank");
        });
        describe().place(new RankPlace(0, world, null)).goingOn().check();
        int most = settings.getInt(RankJob.ATTEMPTS, USUAL_ATTEMPTS);
        screen.note("starting " + world + " ranks on " + settings.get("spark.master") + " …");
        try (Cluster cluster = Cluster.open(RankJob.settle(settings))) {
            return new RankJob(cluster, screen, folder, world, Duration.ofSeconds(options.get(RankOptions.TIMEOUT)),
                    Duration.ofSeconds(options.get(RankOptions.SILENCE)), most).run(words);
        }
    }
}
