// SPDX-License-Identifier: Apache-2.0
package io.eslm.run;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.autograd.Tape;
import io.eslm.cli.Program;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.checkpoint.Checkpoints;
import io.eslm.gpt2.checkpoint.ModelFolder;
import io.eslm.gpt2.train.TrainOptions;
import io.eslm.report.RunLog;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Runs that train adapters, with every part that is random: they stop, go on, and are used. */
class AdapterRunTest {
    private static final Gpt2Config TINY =
            Gpt2Config.of(2, 2, 16, 16).with(Gpt2Config.VOCAB_SIZE, 64).with(Gpt2Config.DROPOUT, 0.1);

    @TempDir
    private static Path shared;
    private static Path data;
    @TempDir
    private Path temp;

    @BeforeAll
    static void makeBase() throws IOException {
        data = Program.tokens(shared.resolve("data"));
        small(Run.create()).model(TINY).folder(shared.resolve("base")).start();
    }

    private static Run small(Run run) {
        return run.data(data.toString()).option(Run.THREADS, 1).option(Run.BACKEND, "scalar")
                .option(TrainOptions.MAX_ITERS, 8).option(TrainOptions.BATCH_SIZE, 4)
                .option(TrainOptions.EVAL_INTERVAL, 4).option(TrainOptions.EVAL_ITERS, 2);
    }

    private Run adapt(Path base, String folder, String method) {
        return small(Run.create()).from(base).folder(temp.resolve(folder)).method(method)
                .option(TrainOptions.GRAD_ACCUM, 2).option(TrainOptions.LORA_RANK, 3)
                .option(TrainOptions.LORA_DROPOUT, 0.2).option(TrainOptions.CHECKPOINT_INTERVAL, 0);
    }

    private Path copyOfBase() throws IOException {
        Path copy = temp.resolve("copy");
        Files.createDirectory(copy);
        for (String name : List.of("config.json", "model.safetensors")) {
            Files.copy(new Checkpoints(shared.resolve("base")).whole().lastEntry().getValue().resolve(name),
                    copy.resolve(name));
        }
        return copy;
    }

    private static List<String> numbers(Path run) {
        return RunLog.read(run).stream().map(line -> {
            List.of("ms", "tokens_per_s", "mfu").forEach(line::remove);
            return line.toString();
        }).toList();
    }

    @ParameterizedTest
    @ValueSource(strings = {"clm", "cvar-loss:alpha=0.3", "ada-cvar-loss:interval=2", "shortlist-sampling",
        "sampled-softmax:negatives=20"})
    void goesOnWithTheSameBits(String method) throws IOException {
        Path base = shared.resolve("base");
        Path whole = adapt(base, "whole", method).start().folder();
        Path resumed = temp.resolve("resumed");
        int[] asked = {0};
        adapt(base, "resumed", method).start(() -> asked[0]++ >= 3);
        assertTrue(Files.exists(resumed.resolve("checkpoints/step-000003/adapter_model.safetensors")));
        Run.resume(resumed).option(Run.THREADS, 1).option(Run.BACKEND, "scalar").start();
        assertEquals(numbers(whole), numbers(resumed));
        Path last = Path.of("checkpoints/step-000008");
        for (String file : List.of("adapter_model.safetensors", "optimizer.safetensors", "trainer.json")) {
            assertArrayEquals(Files.readAllBytes(whole.resolve(last).resolve(file)),
                    Files.readAllBytes(resumed.resolve(last).resolve(file)), file);
        }
        assertFalse(Files.exists(whole.resolve(last).resolve("model.safetensors")));
    }

    /** Merged and unmerged weights round the same sums differently: some 1e-7 of logits of order 1 for each of some products. */
    @Test
    void isUsedMerged() throws IOException {
        Path run = adapt(shared.resolve("base"), "run", "clm").start().folder();
        try (Backend backend = Backends.open("scalar", 1); Tape tape = Tape.evaluation(backend)) {
            Gpt2 trained = Checkpoints.model(new Checkpoints(run).whole().lastEntry().getValue(), backend);
            assertTrue(trained.lowRank().isPresent());
            Gpt2 merged = ModelFolder.load(run, backend);
            assertTrue(merged.lowRank().isEmpty());
            Gpt2 base = ModelFolder.load(shared.resolve("base"), backend);
            Tensor ids = tape.put(new int[] {1, 5, 9, 2, 60, 33, 4, 8}, 1, 8);
            float[] expected = trained.logits(trained.forward(tape, ids)).value().toFloats();
            assertArrayEquals(expected, merged.logits(merged.forward(tape, ids)).value().toFloats(), 1e-5f);
            float[] before = base.logits(base.forward(tape, ids)).value().toFloats();
            double change = 0;
            for (int i = 0; i < before.length; i++) {
                change = Math.max(change, Math.abs(before[i] - expected[i]));
            }
            assertTrue(change > 1e-3, "the adapters have learned: " + change);
        }
    }

    @Test
    void needsTheModelThatItAdapts() throws IOException {
        Path base = copyOfBase();
        Path run = adapt(base, "run", "clm").start().folder();
        Files.move(base, temp.resolve("elsewhere"));
        String gone = resumeFails(run);
        assertTrue(
                gone.contains("the adapters belong to the model \"" + base.toAbsolutePath() + "\", which is not there")
                        && gone.endsWith("Put it, or a link to it, at that place"),
                gone);
        Files.createSymbolicLink(base, temp.resolve("elsewhere"));
        Run.resume(run).option(TrainOptions.MAX_ITERS, 9).start();
        Path weights = temp.resolve("elsewhere/model.safetensors");
        byte[] bytes = Files.readAllBytes(weights);
        bytes[bytes.length - 2] ^= 1;
        Files.write(weights, bytes);
        String changed = resumeFails(run);
        assertTrue(changed.contains("the base model has changed since the adapters in "), changed);
    }

    private static String resumeFails(Path run) {
        return assertThrows(UserError.class, () -> Run.resume(run).option(TrainOptions.MAX_ITERS, 10).start())
                .getMessage();
    }

    @Test
    void keepsItsAdapters() {
        Path run = adapt(shared.resolve("base"), "run", "clm").start().folder();
        String message = assertThrows(UserError.class, () -> Run.resume(run).option(TrainOptions.LORA_RANK, 4).start())
                .getMessage();
        assertTrue(message.startsWith("lora rank 4: the run started with 3"), message);
    }

    @Test
    void saysWhatDoesNotFit() {
        String scratch = assertThrows(UserError.class, () -> small(Run.create()).model(TINY)
                .folder(temp.resolve("a")).option(TrainOptions.LORA_RANK, 2).start()).getMessage();
        assertTrue(scratch.startsWith("lora rank 2: adapts a model that is trained already"), scratch);
        String layer = assertThrows(UserError.class, () -> adapt(shared.resolve("base"), "b", "clm")
                .option(TrainOptions.LORA_TARGETS, "c_attn, q_proj").start()).getMessage();
        assertTrue(layer.startsWith("lora targets 'q_proj' names no linear layer"), layer);
        Path run = adapt(shared.resolve("base"), "run", "clm").start().folder();
        String twice = assertThrows(UserError.class, () -> adapt(run, "c", "clm").start()).getMessage();
        assertTrue(twice.contains("holds adapters itself. Merge them"), twice);
    }
}
