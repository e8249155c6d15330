// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.autograd.Parameter;
import io.eslm.autograd.optim.Muon;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.checkpoint.Checkpoints;
import io.eslm.gpt2.collective.Collective;
import io.eslm.gpt2.collective.RankThreads;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.LongSummaryStatistics;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Ranks as threads that share the steps: the same bits as one that takes them by itself. */
class TeamTest {
    /** A vocabulary so large that the embedding is cut into pieces of several ranks. */
    private static final Gpt2Config CONFIG = Gpt2Config.of(2, 2, 48, 16).with(Gpt2Config.VOCAB_SIZE, 3000)
            .with(Gpt2Config.DROPOUT, 0.1);
    private static final TrainOptions OPTIONS =
            Tiny.options(6).with(TrainOptions.GRAD_ACCUM, 4).with(TrainOptions.ORDERED_SUM, true);

    @TempDir
    private Path dir;
    private TrainOptions options = OPTIONS;

    private record Result(List<String> steps, float[] embedding, List<Float> gradients) {
    }

    /** Everything of a step but its times. */
    private static String figures(TrainEvent event) {
        TrainEvent.Step s = (TrainEvent.Step) event;
        return List.of(s.step(), s.tokens(), s.drawn(), s.loss(), s.keptLoss(), s.keptFraction(), s.alpha(),
                s.valueAtRisk(), s.learningRate(), s.gradNorm(), s.flops()).toString();
    }

    /** One rank's training, to {@code until}; rank 0 saves there. */
    private Result train(int rank, Collective ranks, Supplier<Objective> objective, String backendName,
            Optional<Path> from, Path to, int until) {
        try (Backend backend = Backends.open(backendName, 1)) {
            List<String> steps = new ArrayList<>();
            List<Float> gradients = new ArrayList<>();
            Gpt2 model = Tiny.model(CONFIG, backend);
            if (rank > 0) { // its weights come from rank 0
                model.parameters().values()
                        .forEach(p -> backend.kernels().fill(p.value().storage(), p.value().size(), 7));
            }
            try (Trainer trainer = new Trainer(model, objective.get(), Tiny.data(dir.resolve("data" + rank), 3000),
                    options, e -> steps.add(figures(e)), ranks)) {
                try {
                    if (rank > 0) {
                        trainer.follow(() -> false);
                    } else {
                        from.ifPresent(checkpoint -> Checkpoints.restore(trainer, checkpoint));
                        trainer.team().giveWeights(model);
                        trainer.watchGradients(() -> gradients
                                .add(model.parameters().get("blocks.1.mlp.up.weight").gradient().toFloats()[5]));
                        trainer.run(() -> trainer.step() == until, () -> {
                        });
                        new Checkpoints(to).save(trainer);
                    }
                } catch (RuntimeException e) {
                    trainer.abort(e.getMessage());
                    throw e;
                }
                return new Result(steps, model.parameters().get("tokens.weight").value().toFloats(), gradients);
            }
        }
    }

    private Result team(int world, Supplier<Objective> objective, Optional<Path> from, Path to, int until) {
        String where = RankThreads.unix(dir);
        List<Result> all = RankThreads.run(world, rank -> train(rank,
                world == 1 ? null : RankThreads.join(rank, world, where), objective, "vector", from, to, until));
        for (Result other : all) {
            assertEquals(all.getFirst().steps, other.steps, "all ranks know the same figures");
            assertArrayEquals(all.getFirst().embedding, other.embedding);
        }
        return all.getFirst();
    }

    private static void sameFiles(Path a, Path b) throws Exception {
        try (Stream<Path> files = Files.list(a)) {
            for (Path file : files.filter(f -> !f.getFileName().toString().equals("manifest.json")).toList()) {
                assertEquals(-1, Files.mismatch(file, b.resolve(file.getFileName())), file.toString());
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"2, ADAMW", "4, ADAMW", "2, MUON", "4, MUON"})
    void ranksTrainWithTheBitsOfOne(int world, OptimizerKind optimizer) throws Exception {
        options = OPTIONS.with(TrainOptions.OPTIMIZER, optimizer);
        Result one = team(1, Objective.Mean::new, Optional.empty(), dir.resolve("one"), 6);
        Result many = team(world, Objective.Mean::new, Optional.empty(), dir.resolve("many"), 6);
        assertEquals(6, one.steps.size());
        assertEquals(one.steps, many.steps);
        assertEquals(one.gradients, many.gradients);
        sameFiles(dir.resolve("one/checkpoints/step-000006"), dir.resolve("many/checkpoints/step-000006"));
    }

    /** Saved by four, continued by two and by one. */
    @ParameterizedTest
    @EnumSource
    void anyNumberOfRanksContinuesACheckpoint(OptimizerKind optimizer) throws Exception {
        options = OPTIONS.with(TrainOptions.OPTIMIZER, optimizer);
        Result whole = team(1, Objective.Mean::new, Optional.empty(), dir.resolve("whole"), 6);
        team(4, Objective.Mean::new, Optional.empty(), dir.resolve("part"), 3);
        Optional<Path> saved = Optional.of(dir.resolve("part/checkpoints/step-000003"));
        for (int world : new int[] {1, 2}) {
            Path to = dir.resolve("to" + world);
            Result rest = team(world, Objective.Mean::new, saved, to, 6);
            assertEquals(whole.steps.subList(3, 6), rest.steps);
            sameFiles(dir.resolve("whole/checkpoints/step-000006"), to.resolve("checkpoints/step-000006"));
        }
    }

    /** With one micro-batch there is nothing to add, so the order of additions changes no weight; and the work is the same. */
    @ParameterizedTest
    @EnumSource
    void oneMicroBatchIsAPlainStep(OptimizerKind optimizer) {
        List<List<String>> steps = new ArrayList<>();
        for (boolean ordered : new boolean[] {false, true}) {
            try (Backend backend = Backends.open("vector", 1)) {
                List<String> taken = new ArrayList<>();
                options = OPTIONS.with(TrainOptions.GRAD_ACCUM, 1).with(TrainOptions.GRAD_CLIP, 0.0)
                        .with(TrainOptions.OPTIMIZER, optimizer).with(TrainOptions.ORDERED_SUM, ordered);
                try (Trainer trainer = new Trainer(Tiny.model(CONFIG, backend), new Objective.Mean(),
                        Tiny.data(dir.resolve("data"), 3000), options, e -> {
                            TrainEvent.Step s = (TrainEvent.Step) e;
                            taken.add(s.loss() + " " + s.flops());
                        })) {
                    trainer.run(() -> false, () -> {
                    });
                }
                steps.add(taken);
            }
        }
        assertEquals(steps.get(0), steps.get(1));
    }

    /** A method with a state that it does not share. */
    @Test
    void aMethodMustSayHowItsStateIsShared() {
        String where = RankThreads.unix(dir);
        List<String> errors = RankThreads.errors(2, rank -> train(rank, RankThreads.join(rank, 2, where),
                Tiny.AboveMean::new, "scalar", Optional.empty(), dir.resolve("x"), 6));
        assertTrue(errors.get(0).contains("method above-mean learns from what it has seen"), errors.toString());
        assertTrue(errors.get(1).contains("method above-mean learns from what it has seen"), errors.toString());
    }

    @Test
    void aLossThatIsNotFiniteIsTheSameErrorOnAllRanks() {
        Supplier<Objective> broken = () -> new Objective() {
            @Override
            public String name() {
                return "clm";
            }

            @Override
            public MicroBatch.Loss of(MicroBatch batch) {
                if (batch.progress() > 0.3) {
                    var weight = batch.model().parameters().get("blocks.1.mlp.up.weight").value();
                    if (batch.rng().nextInt(4) == 0) {
                        weight.kernels().fill(weight.storage(), 1, Double.NaN);
                    }
                }
                return new Objective.Mean().of(batch);
            }
        };
        String where = RankThreads.unix(dir);
        List<String> one = RankThreads.errors(1,
                rank -> train(rank, null, broken, "scalar", Optional.empty(), dir.resolve("x"), 6));
        List<String> errors = RankThreads.errors(4, rank -> train(rank, RankThreads.join(rank, 4, where), broken,
                "scalar", Optional.empty(), dir.resolve("y"), 6));
        assertTrue(one.getFirst().contains("the loss is NaN; the weights of blocks.1.mlp.up.weight are the first"),
                one.toString());
        errors.forEach(error -> assertEquals(one.getFirst(), error));
    }

    /** A rank has its own gradients, and its part of sums and moments. */
    @Test
    void memoryFallsWithTheRanks() {
        long plain = MemoryNeed.ofTraining(CONFIG, 4);
        long parameters = CONFIG.parameterCount();
        for (int ranks : new int[] {1, 2, 4}) {
            assertEquals(plain - 8 * parameters + 12 * parameters / ranks,
                    MemoryNeed.ofRank(CONFIG, Optional.empty(), 4, ranks));
        }
    }

    /** Pieces of any model and number of ranks: all of it, once, in order, and evenly. */
    @Test
    void shardsAreEven() {
        try (Backend backend = Backends.open("scalar", 1)) {
            var parameters = Tiny.model(CONFIG, backend).parameters();
            long total = parameters.values().stream().mapToLong(p -> p.value().size()).sum();
            for (int world = 1; world < 40; world++) {
                Shards shards = new Shards(parameters, OptimizerKind.ADAMW, world);
                long[] cuts = shards.cuts();
                assertEquals(0, cuts[0]);
                assertEquals(total, cuts[world]);
                for (int r = 0; r < world; r++) {
                    assertEquals(cuts[r + 1] - cuts[r],
                            shards.of(r).values().stream().mapToLong(Shards.Piece::n).sum());
                    assertTrue(cuts[r + 1] - cuts[r] <= (double) total / world + Shards.PIECE, world + " ranks");
                }
            }
        }
    }

    /** Of matrices that Muon updates, some of several pieces, each has one owner; work and values are spread evenly. */
    @Test
    void matricesOfMuonStayWhole() {
        try (Backend backend = Backends.open("scalar", 1)) {
            Gpt2Config config = Gpt2Config.of(3, 2, 160, 16).with(Gpt2Config.VOCAB_SIZE, 3000);
            Map<String, Parameter> parameters = Tiny.model(config, backend).parameters();
            long total = config.parameterCount();
            long largest = Muon.multiplyAdds(160, 640);
            for (int world = 1; world < 40; world++) {
                Shards shards = new Shards(parameters, OptimizerKind.MUON, world);
                long[] work = new long[world];
                for (int r = 0; r < world; r++) {
                    long own = 0;
                    long ownWhole = 0;
                    for (Shards.Piece piece : shards.of(r).values()) {
                        Parameter p = parameters.get(piece.path());
                        own += piece.n();
                        if (piece.path().startsWith("blocks.") && p.value().rank() == 2) {
                            assertEquals(p.value().size(), piece.n(), piece.path());
                            work[r] += Muon.multiplyAdds(p.value().dim(0), p.value().dim(1));
                            ownWhole += piece.n();
                        }
                    }
                    assertEquals(shards.cuts()[r + 1] - shards.cuts()[r], own);
                    assertTrue(own <= Math.max((double) total / world + Shards.PIECE, ownWhole), world + " ranks");
                }
                assertEquals(total, shards.row().stream().mapToLong(Shards.Piece::n).sum());
                LongSummaryStatistics spread = LongStream.of(work).summaryStatistics();
                assertTrue(spread.getMax() - spread.getMin() <= largest, world + " ranks: " + spread);
            }
        }
    }
}
