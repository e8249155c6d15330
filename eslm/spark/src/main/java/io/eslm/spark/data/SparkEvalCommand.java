// SPDX-License-Identifier: Apache-2.0
package io.eslm.spark.data;

import io.eslm.cli.DeclaredOptions;
import io.eslm.cli.EvalCommand;
import io.eslm.cli.Terminal;
import io.eslm.gpt2.WeightFormat;
import io.eslm.gpt2.data.EvalWindows;
import io.eslm.gpt2.tokenizer.Tokenizer;
import io.eslm.gpt2.train.Evaluation;
import io.eslm.run.Run;
import io.eslm.spark.Cluster;
import io.eslm.spark.Job;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Workspace;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import org.apache.spark.api.java.JavaSparkContext;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;

/** The command eval on Spark: executors compute the batches, and the figures are those of one machine. */
@Command(name = "eval", header = "Measures a model's loss and perplexity on data, on Spark.",
        description = {"",
            "The driver reads the data, as eval does on one machine, and gives batches of it to the executors. It holds 12 bytes "
                    + "for each token that is predicted. The figures have the same bits as on one machine.",
            ""},
        footer = {"", "Example:", "  eslm eval --spark local-cluster[2,1,1024] --model gpt2/ --data book.txt"})
public final class SparkEvalCommand extends EvalCommand {
    private static final int BATCHES = 8;

    @Override
    protected void declare(CommandSpec command) {
        super.declare(command);
        options.add(command, "Spark", Cluster.options());
    }

    @Override
    protected int run(Terminal screen) {
        if (isTask()) {
            throw new UserError("a task is evaluated on one machine: run the command without Spark");
        }
        return super.run(screen);
    }

    /** Windows of {@code rows} rows, ready to compute. */
    private record Batch(int[] inputs, int[] targets, int rows) implements Serializable {
    }

    @Override
    protected Evaluation.Result evaluate(Terminal screen, EvalWindows windows, int time,
            Optional<Tokenizer> tokenizer) {
        int batchSize = options.get(BATCH_SIZE);
        List<Batch> batches = new ArrayList<>();
        for (long from = 0; from < windows.size(); from += batchSize) {
            int rows = (int) Math.min(batchSize, windows.size() - from);
            int[] inputs = new int[rows * time];
            int[] targets = new int[rows * time];
            for (int r = 0; r < rows; r++) {
                windows.fill(windows.window(from + r), r, inputs, targets);
            }
            batches.add(new Batch(inputs, targets, rows));
        }
        try (Cluster cluster = Cluster.open(options, "eval", false)) {
            Iterator<float[]> losses = new Job(cluster, screen)
                    .run("evaluate " + batches.size() + " batches", context -> losses(context, batches, time))
                    .iterator();
            return Evaluation.of(windows, time, batchSize, tokenizer, (_, _, _) -> losses.next());
        }
    }

    private List<float[]> losses(JavaSparkContext context, List<Batch> batches, int time) {
        ModelParcel model = ModelParcel.send(options.get(DeclaredOptions.MODEL), options.get(Run.BACKEND),
                options.get(Run.THREADS), options.get(WeightFormat.OPTION), context);
        int tasks = Math.ceilDiv(batches.size(), BATCHES);
        return context.parallelize(batches, tasks)
                .map(batch -> Tasks.run("cannot evaluate", () -> model.compute(gpt2 -> Arrays.copyOf(
                        new Evaluation(gpt2, new Workspace(gpt2.backend()), batch.rows, Optional.empty())
                                .losses(batch.inputs, batch.targets, batch.rows, time),
                        batch.rows * time))))
                .collect();
    }
}
