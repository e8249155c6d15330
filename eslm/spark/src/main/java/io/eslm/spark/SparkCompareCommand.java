// SPDX-License-Identifier: Apache-2.0
package io.eslm.spark;

import io.eslm.cli.CompareCommand;
import io.eslm.cli.DeclaredOptions;
import io.eslm.cli.Terminal;
import io.eslm.compare.CompareResult;
import io.eslm.compare.Comparer;
import io.eslm.compare.Comparison;
import io.eslm.run.FolderLock;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;

/** The command compare on Spark: each run is a task. */
@Command(name = "compare", abbreviateSynopsis = true,
        header = "Compares methods on Spark: each run, a method with a seed, is a task of an executor.",
        description = {"",
            "The figures have the same bits as on one machine of the same kind. The folder of the comparison must be on a file system "
                    + "that all hosts share. A lost executor costs its run the steps since its checkpoint. Run the same command "
                    + "again to continue, or to add methods and seeds.",
            ""},
        footer = {"", "Example:",
            "  eslm compare --spark local-cluster[2,1,2048] --methods cvar-loss:alpha=0.1 --seeds 3 --out-dir runs/tuning"})
final class SparkCompareCommand extends CompareCommand {
    @Override
    protected void declare(CommandSpec command) {
        super.declare(command);
        options.add(command, "Spark", Cluster.options());
    }

    @Override
    protected int compare(Terminal screen) {
        int runs = describe(screen).check();
        Path folder = options.values(Comparer.GROUP).get(Comparer.OUT_DIR).toAbsolutePath();
        List<String> words = new ArrayList<>(List.of("compare"));
        words.addAll(words(Cluster.options()));
        words.add(DeclaredOptions.flag(Comparer.OUT_DIR) + "=" + folder);
        try (FolderLock _ = FolderLock.take(folder, options.find(Comparer.TAKE_OVER), screen::note);
                Cluster cluster = Cluster.open(options, "compare", true);
                SharedFolder shared = SharedFolder.mark(Comparer.OUT_DIR, folder)) {
            saveConfig(screen);
            List<Integer> indices = IntStream.range(0, runs).boxed().toList();
            List<String> diverged = new Job(cluster, screen).run("compare " + folder, context -> context
                    .parallelize(indices, runs).map(new CompareTask(words, shared)).filter(name -> !name.isEmpty())
                    .collect());
            Comparison comparison = Comparison.read(folder);
            comparison.write(folder);
            return finish(screen, new CompareResult(true, diverged, comparison));
        }
    }
}
