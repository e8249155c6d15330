// SPDX-License-Identifier: Apache-2.0
package io.eslm.run;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.cli.Program;
import io.eslm.compare.Comparer;
import io.eslm.compare.CompareResult;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.option.OptionError;
import io.eslm.gpt2.train.TrainOptions;
import io.eslm.report.RunLog;
import io.eslm.tensor.io.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Runs and comparisons whose documents do not see each other. */
class SeparateDocumentsRunTest {
    @TempDir
    private Path temp;

    private Path text() throws IOException {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < 600; i++) {
            text.append("This is text ").append(i).append('.').append(i % 5 == 0 ? "" : "<|endoftext|>");
        }
        return Files.writeString(temp.resolve("text.txt"), text);
    }

    private Run run(Run run) {
        return run.option(Run.THREADS, 1).option(Run.BACKEND, "scalar");
    }

    private Run fresh(String folder, boolean separate) throws IOException {
        return run(Run.create()).data(text().toString()).folder(temp.resolve(folder)).option(Run.TOKENIZER, "bytes")
                .option(Gpt2Config.N_LAYER, 1).option(Gpt2Config.N_HEAD, 2).option(Gpt2Config.N_EMBD, 8)
                .option(Gpt2Config.BLOCK_SIZE, 32).option(TrainOptions.MAX_ITERS, 6)
                .option(TrainOptions.BATCH_SIZE, 2).option(TrainOptions.EVAL_INTERVAL, 3)
                .option(TrainOptions.EVAL_ITERS, 2).option(TrainOptions.SEPARATE_DOCUMENTS, separate);
    }

    /** The record has the option, and a run that goes on has it too, without being told. */
    @Test
    void aRunKeepsIt() throws IOException {
        Path whole = fresh("whole", true).start().folder();
        assertTrue(Json.read(whole.resolve(RunLog.CONFIG)).child("options").required("separate_documents",
                Boolean.class));
        Path stopped = temp.resolve("stopped");
        try (RunEngine engine = fresh("stopped", true).open()) {
            engine.train(() -> engine.trainer().step() == 2);
        }
        assertTrue(run(Run.resume(stopped)).start().finished());
        assertArrayEquals(model(whole), model(stopped));
        Path without = fresh("without", false).start().folder();
        assertFalse(Arrays.equals(model(whole), model(without)));
        OptionError e = assertThrows(OptionError.class, () -> run(Run.resume(without))
                .option(TrainOptions.SEPARATE_DOCUMENTS, true).option(TrainOptions.MAX_ITERS, 9).start());
        assertTrue(e.getMessage().startsWith("separate documents true: the run started with false"), e.getMessage());
    }

    private static byte[] model(Path run) throws IOException {
        return Files.readAllBytes(run.resolve("checkpoints/step-000006/model.safetensors"));
    }

    private Comparer comparer(Path data) {
        return Comparer.create().methods(List.of("random:alpha=0.5")).option(Comparer.SEEDS, 1)
                .option(Comparer.DATA, data.toString()).option(Comparer.OUT_DIR, temp.resolve("out"))
                .option(Comparer.THREADS, 1).option(Gpt2Config.N_LAYER, 1).option(Gpt2Config.N_HEAD, 1)
                .option(Gpt2Config.N_EMBD, 8).option(Gpt2Config.BLOCK_SIZE, 32).option(TrainOptions.BATCH_SIZE, 2)
                .option(TrainOptions.MAX_ITERS, 3).option(TrainOptions.EVAL_INTERVAL, 3)
                .option(TrainOptions.EVAL_ITERS, 2).option(TrainOptions.SEPARATE_DOCUMENTS, true);
    }

    @Test
    void aComparisonSeparatesInAllItsRuns() throws IOException {
        CompareResult done = comparer(text()).option(Comparer.TOKENIZER, "bytes").start(() -> false);
        assertTrue(done.finished());
        for (String run : List.of("clm", "random-0.5")) {
            Path config = temp.resolve("out/seed-1337").resolve(run).resolve(RunLog.CONFIG);
            assertTrue(Json.read(config).child("options").required("separate_documents", Boolean.class));
        }
    }

    /** Before anything is written. */
    @Test
    void tokensWithoutAnEndOfDocumentsAreRefused() throws IOException {
        Path data = Program.tokens(temp.resolve("data"));
        Path out = temp.resolve("run");
        Program.Outcome refused = Program.train(data, out, "--separate-documents");
        assertNotEquals(0, refused.code());
        assertTrue(refused.err().contains("--separate-documents: " + data
                + " does not say which of its ids ends a document, because its tokenizer is not known."),
                refused.err());
        assertFalse(Files.exists(out.resolve(RunLog.CONFIG)));
        OptionError e = assertThrows(OptionError.class,
                () -> comparer(data).option(Gpt2Config.VOCAB_SIZE, 64).open());
        assertEquals(TrainOptions.SEPARATE_DOCUMENTS, e.option());
        assertFalse(Files.exists(temp.resolve("out/comparison.json")));
    }
}
