// SPDX-License-Identifier: Apache-2.0

import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.train.TrainEvent;
import io.eslm.gpt2.train.TrainOptions;
import io.eslm.run.Run;
import io.eslm.run.RunResult;
import java.nio.file.Path;

/** Trains a small model, resumes it, and starts another run from its weights. Arguments: a text file, and a new folder. */
public final class TrainFromJava {
    public static void main(String[] args) {
        Path folder = Path.of(args[1]);
        RunResult first = Run.create()
                .data(args[0])
                .method("cvar-loss:alpha=0.1")
                .model(Gpt2Config.of(2, 2, 32, 32))
                .option(TrainOptions.MAX_ITERS, 20)
                .option(TrainOptions.BATCH_SIZE, 4)
                .folder(folder.resolve("first"))
                .listener(TrainFromJava::show)
                .start();
        first.lastEvaluation().ifPresent(e -> System.out.printf("validation loss %.3f%n", e.result().loss()));

        // Ten more steps, or as many as fit into a minute: a run that is stopped saves, and can be resumed.
        long deadline = System.nanoTime() + 60_000_000_000L;
        RunResult more = Run.resume(first.folder())
                .option(TrainOptions.MAX_ITERS, 30)
                .start(() -> System.nanoTime() > deadline);
        System.out.printf("%s at step %d%n", more.finished() ? "finished" : "stopped", more.step());

        // Another run that starts with these weights.
        Run.create().data(args[0]).from(more.folder()).method("clm").option(TrainOptions.MAX_ITERS, 5)
                .option(TrainOptions.BATCH_SIZE, 4).folder(folder.resolve("second")).start();
    }

    private static void show(TrainEvent event) {
        if (event instanceof TrainEvent.Step step) {
            System.out.printf("step %d: loss %.3f%n", step.step(), step.loss());
        }
    }
}
