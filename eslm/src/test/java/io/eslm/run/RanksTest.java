// SPDX-License-Identifier: Apache-2.0
package io.eslm.run;

import io.eslm.gpt2.tokenizer.BpeTrainer;
import io.eslm.gpt2.tokenizer.Tokenizers;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.cli.Program;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.option.OptionError;
import io.eslm.gpt2.option.OptionValues;
import io.eslm.gpt2.train.OptimizerKind;
import io.eslm.gpt2.train.TrainOptions;
import io.eslm.report.RunLog;
import io.eslm.tensor.UserError;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.IntFunction;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Runs of several ranks, as threads: the files of one process, bit for bit, and errors that all of them tell. */
class RanksTest {
    private static final Gpt2Config TINY = Gpt2Config.of(2, 2, 16, 16).with(Gpt2Config.VOCAB_SIZE, 64)
            .with(Gpt2Config.DROPOUT, 0.1);
    private static final int STEPS = 6;
    private static final BooleanSupplier NEVER = () -> false;

    @TempDir
    private static Path shared;
    private static Path data;
    private static Path model;
    @TempDir
    private Path temp;
    private OptimizerKind optimizer = OptimizerKind.ADAMW;

    @BeforeAll
    static void makeDataAndModel() throws IOException {
        data = Program.tokens(shared.resolve("data"));
        model = small(Run.create().data(data.toString()).model(TINY).folder(shared.resolve("model")), 1, 0, null)
                .start().folder();
    }

    private static Run small(Run run, int world, int rank, String where) {
        run.option(Run.THREADS, 1).option(Run.BACKEND, "scalar").option(RankOptions.WORLD, world)
                .option(RankOptions.RANK, rank).option(RankOptions.TIMEOUT, 60);
        return where == null ? run : run.option(RankOptions.RENDEZVOUS, where);
    }

    /** Four micro-batches a step, and checkpoints at steps 2, 4 and 6. */
    private Run fresh(String folder, String method, int world, int rank) {
        Run run = small(Run.create(), world, rank, where()).data(data.toString()).method(method)
                .option(TrainOptions.MAX_ITERS, STEPS).option(TrainOptions.BATCH_SIZE, 2)
                .option(TrainOptions.GRAD_ACCUM, 4).option(TrainOptions.EVAL_INTERVAL, 3)
                .option(TrainOptions.EVAL_ITERS, 2).option(TrainOptions.CHECKPOINT_INTERVAL, 2)
                .option(TrainOptions.OPTIMIZER, optimizer);
        return run.model(TINY).folder(temp.resolve(folder));
    }

    private Run resumed(String folder, int world, int rank) {
        return small(Run.resume(temp.resolve(folder)), world, rank, where()).data(data.toString());
    }

    private String where() {
        return "unix:" + temp.resolve("s");
    }

    /** Runs all ranks; for each the message of its error, or "". */
    private static List<String> ranks(int world, IntFunction<Run> run, IntFunction<BooleanSupplier> stop) {
        List<FutureTask<RunResult>> all = new ArrayList<>();
        for (int r = 0; r < world; r++) {
            int rank = r;
            all.add(new FutureTask<>(() -> run.apply(rank).start(stop.apply(rank))));
            Thread.ofPlatform().daemon().start(all.getLast());
        }
        return all.stream().map(RanksTest::error).toList();
    }

    private static String error(FutureTask<RunResult> rank) {
        try {
            rank.get(2, TimeUnit.MINUTES);
            return "";
        } catch (ExecutionException e) {
            if (e.getCause() instanceof UserError user) {
                return user.getMessage();
            }
            throw new AssertionError(e.getCause());
        } catch (Exception e) {
            throw new AssertionError("a rank hangs", e);
        }
    }

    private static void ok(List<String> errors) {
        assertEquals("", String.join("", errors));
    }

    /** All lines without what a clock measured. */
    private static String numbers(Path run) {
        return RunLog.read(run).stream().map(line -> {
            List.of("ms", "tokens_per_s", "mfu").forEach(line::remove);
            return line.toString();
        }).collect(Collectors.joining("\n"));
    }

    private void assertSame(String one, String many) throws IOException {
        assertEquals(numbers(temp.resolve(one)), numbers(temp.resolve(many)));
        for (int step : new int[] {4, STEPS}) {
            for (String file : List.of("model.safetensors", "optimizer.safetensors", "trainer.json")) {
                Path saved = Path.of("checkpoints/step-00000" + step, file);
                assertArrayEquals(Files.readAllBytes(temp.resolve(one).resolve(saved)),
                        Files.readAllBytes(temp.resolve(many).resolve(saved)), many + "/" + saved);
            }
        }
    }

    /** A stop that comes before step {@code n} + 1; with {@code killed}, as an error. */
    private static BooleanSupplier after(int n, boolean killed) {
        int[] asked = {0};
        return () -> {
            if (asked[0]++ < n) {
                return false;
            }
            if (killed) {
                throw new UserError("killed");
            }
            return true;
        };
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "clm", "random:alpha=0.3", "cvar-loss:alpha=0.2,alpha-end=0.4", "var-entropy:alpha=0.3",
        "ada-cvar-loss:alpha=0.2,interval=4", "ada-var-entropy:alpha=0.2,interval=4", "rho-1:reference=MODEL",
        "risk-sampling:keep-ratio=0.5", "shortlist-sampling:keep-ratio=0.5", "sampled-softmax:negatives=20",
        "cvar-loss:alpha=0.3,global-value-at-risk=true", "var-entropy:alpha=0.9,global-value-at-risk=true",
        "instance:instance-alpha=0.5",
        "hierarchical:alpha=0.2,instance-alpha=0.5", "kd:alpha=0.2,teacher=MODEL"})
    void everyMethodHasTheBitsOfOneProcess(String spec) throws IOException {
        haveTheBitsOfOneProcess(spec.replace("MODEL", model.toString()));
    }

    /** Methods that leave gradients of some rows, share risks, or have a state. */
    @ParameterizedTest
    @ValueSource(strings = {
        "clm", "cvar-loss:alpha=0.3,global-value-at-risk=true", "ada-cvar-loss:alpha=0.2,interval=4",
        "sampled-softmax:negatives=20"})
    void muonHasTheBitsOfOneProcess(String method) throws IOException {
        optimizer = OptimizerKind.MUON;
        haveTheBitsOfOneProcess(method);
    }

    private void haveTheBitsOfOneProcess(String method) throws IOException {
        ok(ranks(1, rank -> fresh("one", method, 1, rank), _ -> NEVER));
        // the last of two ranks is asked to stop; four go on
        ok(ranks(2, rank -> fresh("stopped", method, 2, rank), rank -> rank == 1 ? after(3, false) : NEVER));
        ok(ranks(4, rank -> resumed("stopped", 4, rank), _ -> NEVER));
        assertSame("one", "stopped");
        // one of four dies; two go on from the last checkpoint
        assertEquals("killed", ranks(4, rank -> fresh("killed", method, 4, rank),
                rank -> rank == 3 ? after(5, true) : NEVER).getLast());
        ok(ranks(2, rank -> resumed("killed", 2, rank), _ -> NEVER));
        assertSame("one", "killed");
    }

    /** Without a break; of the others, the test above has the steps of two and of four ranks. */
    @ParameterizedTest
    @ValueSource(ints = {2, 4})
    void anUndisturbedRunHasTheBitsOfOneProcess(int world) throws IOException {
        String method = "ada-cvar-loss:alpha=0.2,interval=4";
        ok(ranks(1, rank -> fresh("one", method, 1, rank), _ -> NEVER));
        ok(ranks(world, rank -> fresh("many", method, world, rank), _ -> NEVER));
        assertSame("one", "many");
    }

    @Test
    void aRankThatDiesEndsAll() {
        List<String> errors = ranks(3, rank -> fresh("x", "clm", 3, rank).option(TrainOptions.GRAD_ACCUM, 3),
                rank -> rank == 2 ? after(2, true) : NEVER);
        assertEquals(List.of("rank 2 has ended: killed", "rank 2 has ended: killed", "killed"), errors);
    }

    @Test
    void anotherSettingIsNamedWithBothValues() {
        List<String> errors = ranks(2,
                rank -> fresh("x", "clm", 2, rank).option(TrainOptions.LEARNING_RATE, 1e-3 * (rank + 1)), _ -> NEVER);
        assertEquals(
                "learning rate is 0.002 on rank 1, but 0.001 on rank 0. Give all ranks the same, or give it to rank 0 "
                        + "alone",
                errors.get(0));
        assertEquals(errors.get(0), errors.get(1));
        errors = ranks(2, rank -> fresh("y", "cvar-loss:alpha=0." + (rank + 1), 2, rank), _ -> NEVER);
        assertTrue(
                errors.get(1).startsWith("method is cvar-loss:alpha=0.2 on rank 1, but cvar-loss:alpha=0.1 on rank 0."),
                errors.toString());
        assertEquals(errors.get(0), errors.get(1));
        errors = ranks(2, rank -> fresh("z", "clm", 2, rank).option(Gpt2Config.N_LAYER, 2 + rank), _ -> NEVER);
        assertTrue(errors.get(1).startsWith("n layer is 3 on rank 1, but 2 on rank 0."), errors.toString());
        assertFalse(Files.exists(temp.resolve("x")), "nothing was written");
    }

    @Test
    void otherDataIsRefused() throws IOException {
        Path other = Program.tokens(temp.resolve("other"));
        Files.write(other.resolve("train.bin"), Program.uint16(Program.chain(4000, 9)));
        List<String> errors = ranks(2, rank -> rank == 0 ? fresh("x", "clm", 2, rank)
                : fresh("x", "clm", 2, rank).data(other.toString()), _ -> NEVER);
        assertTrue(errors.get(0).startsWith("rank 1 reads other data than rank 0: the content of " + other),
                errors.toString());
        assertEquals(errors.get(0), errors.get(1));
    }

    @Test
    void dataThatIsNotThereIsTold() {
        List<String> errors = ranks(2, rank -> rank == 0 ? fresh("x", "clm", 2, rank)
                : fresh("x", "clm", 2, rank).data(temp.resolve("nowhere.txt").toString()), _ -> NEVER);
        assertTrue(errors.get(0).startsWith("rank 1 has ended: data " + temp.resolve("nowhere.txt")),
                errors.toString());
    }

    /** Rank 0 cannot write its folder any more. */
    @Test
    void aFolderThatIsTakenAwayEndsAll() {
        List<String> errors = ranks(2, rank -> fresh("x", "clm", 2, rank).listener(event -> {
            if (rank == 0 && event.step() == 3) {
                throw new UserError("cannot write: no space left on device");
            }
        }), _ -> NEVER);
        assertEquals(List.of("cannot write: no space left on device",
                "rank 0 has ended: cannot write: no space left on device"), errors);
    }

    @Test
    void settingsOfTheOthersComeFromRankZero() throws IOException {
        ok(ranks(1, rank -> fresh("one", "cvar-loss:alpha=0.3", 1, rank), _ -> NEVER));
        ok(ranks(2, rank -> rank == 0 ? fresh("many", "cvar-loss:alpha=0.3", 2, 0)
                : small(Run.create(), 2, 1, where()), _ -> NEVER));
        assertSame("one", "many");
    }

    /** Ids of which nothing says whose they are, in a model of GPT-2's size: all ranks take them for GPT-2's. */
    @Test
    void bareTokensOfGpt2AreTheSameData() throws IOException {
        ok(ranks(2, rank -> fresh("many", "clm", 2, rank).model(TINY.with(Gpt2Config.VOCAB_SIZE, 50257))
                .option(TrainOptions.MAX_ITERS, 1), _ -> NEVER));
        assertEquals(1, RunLog.read(temp.resolve("many")).stream().filter(line -> line.has("ms")).count());
    }

    /** The other rank learns the tokenizer from rank 0, at the start and on resume, and is refused with another one. */
    @Test
    void theTokenizerIsRankZeros() throws IOException {
        Path text = Files.writeString(temp.resolve("t.txt"), "one two three four\n".repeat(2000));
        Path words = temp.resolve("words");
        Tokenizers.write(BpeTrainer.train(List.of(Files.readString(text)), BpeTrainer.Settings.of(270), (_, _, _) -> {
        }).vocabulary().tokenizer(), words);
        IntFunction<Run> start = rank -> {
            Run run = small(Run.create(), 2, rank, where()).data(text.toString());
            return rank == 1 ? run : run.option(Run.TOKENIZER, words.toString()).folder(temp.resolve("many"))
                    .option(Gpt2Config.N_LAYER, 1).option(Gpt2Config.N_HEAD, 1).option(Gpt2Config.N_EMBD, 8)
                    .option(Gpt2Config.BLOCK_SIZE, 16).option(TrainOptions.MAX_ITERS, 2)
                    .option(TrainOptions.BATCH_SIZE, 2).option(TrainOptions.GRAD_ACCUM, 2)
                    .option(TrainOptions.EVAL_ITERS, 1).option(TrainOptions.SAMPLE_INTERVAL, 0);
        };
        ok(ranks(2, start, _ -> NEVER));
        ok(ranks(2, rank -> rank == 1 ? small(Run.resume(), 2, 1, where()).data(text.toString())
                : resumed("many", 2, 0).data(text.toString()).option(TrainOptions.MAX_ITERS, 3), _ -> NEVER));
        List<String> errors = ranks(2, rank -> rank == 1 ? start.apply(1).option(Run.TOKENIZER, "bytes")
                : start.apply(0).folder(temp.resolve("other")), _ -> NEVER);
        assertTrue(errors.get(0).contains("tokenizer is bytes on rank 1, but "), errors.toString());
    }

    @Test
    void ranksThatAddInPlaceAreRefused() {
        var e = assertThrows(OptionError.class,
                () -> fresh("x", "clm", 2, 0).option(TrainOptions.ORDERED_SUM, false).open());
        assertEquals("ordered sum false: ranks need it. Omit the option", e.getMessage());
    }

    /** Adapters: the weights that stay come from rank 0, too. */
    @ParameterizedTest
    @EnumSource
    void adaptersHaveTheBitsOfOneProcess(OptimizerKind kind) throws IOException {
        for (int world : new int[] {1, 2}) {
            ok(ranks(world, rank -> small(Run.create(), world, rank, where()).data(data.toString()).from(model)
                    .folder(temp.resolve("run" + world)).option(TrainOptions.LORA_RANK, 2)
                    .option(TrainOptions.MAX_ITERS, 3).option(TrainOptions.BATCH_SIZE, 2)
                    .option(TrainOptions.GRAD_ACCUM, 2).option(TrainOptions.EVAL_ITERS, 2)
                    .option(TrainOptions.OPTIMIZER, kind), _ -> NEVER));
        }
        assertEquals(numbers(temp.resolve("run1")), numbers(temp.resolve("run2")));
        for (String file : List.of("adapter_model.safetensors", "optimizer.safetensors")) {
            Path saved = Path.of("checkpoints/step-000003", file);
            assertEquals(-1, Files.mismatch(temp.resolve("run1").resolve(saved), temp.resolve("run2").resolve(saved)));
        }
    }

    @Test
    void aRunOfOneProcessThatAddsInPlaceIsNotContinuedByRanks() {
        Run.create().data(data.toString()).model(TINY).folder(temp.resolve("plain")).option(Run.THREADS, 1)
                .option(TrainOptions.MAX_ITERS, 2).option(TrainOptions.GRAD_ACCUM, 2)
                .option(TrainOptions.BATCH_SIZE, 2).option(TrainOptions.EVAL_ITERS, 1).start();
        var e = assertThrows(OptionError.class,
                () -> resumed("plain", 2, 0).option(TrainOptions.MAX_ITERS, 4).open());
        assertTrue(e.getMessage().startsWith("ordered sum true: the run was started without"), e.getMessage());
    }

    private static OptionValues own(Object... given) {
        OptionValues values = OptionValues.defaults(Run.GROUP);
        for (int i = 0; i < given.length; i += 2) {
            values = values.withText((io.eslm.gpt2.option.Option<?>) given[i], given[i + 1].toString());
        }
        return values;
    }

    private static String place(OptionValues own, Map<String, String> environment) {
        return RankOptions.of(own, environment)
                .map(p -> p.rank() + " of " + p.world() + " at " + p.rendezvous()).orElse("alone");
    }

    @Test
    void launchersAreUnderstood() {
        Map<String, String> torchrun =
                Map.of("RANK", "3", "WORLD_SIZE", "4", "MASTER_ADDR", "localhost", "MASTER_PORT", "1234");
        Map<String, String> slurm = Map.of("SLURM_PROCID", "1", "SLURM_NTASKS", "2", "SLURM_NODELIST", "localhost,n2");
        Map<String, String> mpi = Map.of("OMPI_COMM_WORLD_RANK", "5", "OMPI_COMM_WORLD_SIZE", "6");
        assertEquals("3 of 4 at localhost:1234", place(own(), torchrun));
        Map<String, String> agent = new HashMap<>(torchrun);
        agent.put("TORCHELASTIC_USE_AGENT_STORE", "True");
        assertEquals("3 of 4 at localhost:1235", place(own(), agent), "torchrun listens at the port itself");
        assertEquals("alone", place(own(), slurm), "a batch job of one process has these variables too");
        assertEquals("1 of 2 at localhost:29500", place(own(RankOptions.WORLD, 2), slurm));
        assertEquals("5 of 6 at unix:/tmp/s", place(own(RankOptions.RENDEZVOUS, "unix:/tmp/s"), mpi));
        assertEquals("0 of 2 at localhost:1", place(own(RankOptions.WORLD, 2, RankOptions.RANK, 0,
                RankOptions.RENDEZVOUS, "localhost:1"), torchrun), "options come first");
        assertEquals("0 of 1 at null", place(own(RankOptions.WORLD, 1), Map.of()));
        assertEquals("node03", RankOptions.firstNode("node[03-05,9],gpu1"));
        assertEquals("gpu1", RankOptions.firstNode("gpu1,node[03-05]"));
        assertEquals("a7-x", RankOptions.firstNode("a[7,9]-x"));
        assertEquals("host", RankOptions.firstNode("host"));
    }

    @Test
    void whatIsMissingIsNamed() {
        Map<OptionValues, String> faults = Map.of(own(RankOptions.WORLD, 2), "rank: must be given",
                own(RankOptions.WORLD, 2, RankOptions.RANK, 1), "rendezvous: must be given",
                own(RankOptions.RANK, 1), "world: must be given",
                own(RankOptions.WORLD, 2, RankOptions.RANK, 2), "rank 2: must be less than world 2",
                own(RankOptions.WORLD, 2, RankOptions.RANK, 1, RankOptions.RENDEZVOUS, "here"),
                "rendezvous here: must be HOST:PORT",
                own(RankOptions.WORLD, 2, RankOptions.RANK, 1, RankOptions.RENDEZVOUS, "192.0.2.1:1"),
                "secret file: must be given where ranks meet over a network",
                own(RankOptions.SECRET_FILE, "x"), "secret file x: is for a training of several ranks");
        faults.forEach((given, begin) -> {
            var e = assertThrows(OptionError.class, () -> RankOptions.of(given, Map.of()));
            assertTrue(e.getMessage().startsWith(begin), e.getMessage());
        });
        var e = assertThrows(OptionError.class, () -> RankOptions.of(own(RankOptions.WORLD, 2, RankOptions.RANK, 1,
                RankOptions.RENDEZVOUS, "localhost:1"), Map.of(RankOptions.SECRET, "short")));
        assertTrue(e.getMessage().startsWith("secret file: the secret has 5 characters"), e.getMessage());
        e = assertThrows(OptionError.class, () -> fresh("x", "clm", 3, 0).open());
        assertTrue(e.getMessage().startsWith("grad accum 4: must be a multiple of world 3"), e.getMessage());
    }
}
