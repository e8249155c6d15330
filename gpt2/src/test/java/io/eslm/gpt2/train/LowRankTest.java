// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.autograd.Parameter;
import io.eslm.autograd.Tape;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.LowRank;
import io.eslm.gpt2.Weights;
import io.eslm.tensor.Rng;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Training of adapters: what it costs, and that nothing else changes. L blocks, width C, vocabulary V, M = B·T tokens. */
class LowRankTest {
    private static final int L = 3;
    private static final int C = 24;
    private static final int V = Tiny.VOCABULARY;
    private static final int B = 4;
    private static final int T = 16;
    private static final long M = B * T;
    private static final int R = 5;
    private static final int MICRO_BATCHES = 2;
    private static final long BLOCK = 12L * C * C;
    private static final long HEAD = (long) V * C;
    private static final long PAIRS = B * (T * (T + 1) / 2);
    /** Inputs of the four adapters of a block: of q, k and v, of the projection, and of both sides of the MLP. */
    private static final long INPUTS = (1 + 1 + 1 + 4) * C;
    private static final long OUTPUTS = (3 + 1 + 4 + 1) * C;

    @TempDir
    private Path dir;
    private final Backend backend = Backends.open("vector", 2);

    @AfterEach
    void close() {
        backend.close();
    }

    private static LowRank adapters(double dropout, String... targets) {
        return new LowRank(R, 2 * R, dropout, List.of(targets), Optional.empty());
    }

    private static LowRank all(double dropout) {
        return adapters(dropout, "c_attn", "c_proj", "c_fc");
    }

    private static Gpt2Config config(double dropout) {
        return Gpt2Config.of(L, 2, C, T).with(Gpt2Config.VOCAB_SIZE, V).with(Gpt2Config.DROPOUT, dropout);
    }

    private Gpt2 model(Gpt2Config config, LowRank adapters) {
        return new Gpt2(config, backend, adapters.on(Weights.random(config, backend, Rng.of(3)),
                LowRank.initial(backend, Rng.of(4))));
    }

    private Flops step(Gpt2 model, Objective loss) {
        try (Trainer trainer = new Trainer(model, loss, Tiny.data(dir, V), Tiny.options(10), _ -> {
        })) {
            trainer.oneStep();
            return trainer.oneStep().flops();
        }
    }

    private static long forward() {
        return 2 * (M * (L * BLOCK + HEAD) + L * 2L * C * PAIRS) + 2 * M * R * L * (INPUTS + OUTPUTS);
    }

    /** A frozen weight costs one product in the backward pass, for its input; those before the first adapter cost none. */
    @ParameterizedTest
    @ValueSource(doubles = {0, 0.1})
    void frozenWeightsCostNoProduct(double dropout) {
        Flops flops = step(model(config(dropout), all(dropout)), new Objective.Mean());
        assertEquals(MICRO_BATCHES * (forward() + 2 * M), flops.forward());
        long firstInput = 3L * C * C + R * C;
        long adapters = 2 * R * L * (INPUTS + OUTPUTS);
        assertEquals(MICRO_BATCHES * 2 * (M * (L * BLOCK + HEAD + adapters - firstInput) + L * 5L * C * PAIRS + M),
                flops.backward());
    }

    /** Below the first adapter there is no backward pass at all. */
    @Test
    void nothingRunsBelowTheFirstAdapter() {
        Flops flops = step(model(config(0), adapters(0, "h.2.mlp.c_fc")), new Objective.Mean());
        assertEquals(MICRO_BATCHES * 2 * (M * (HEAD + 4L * C * C + R * (2 * 4 * C + C)) + M), flops.backward(),
                "head, the MLP's second matrix, and the adapter without its input");
    }

    @Test
    void keptRowsOnly() {
        int[] rows = IntStream.range(0, (int) M).filter(i -> i % 5 != 0 && i % 7 != 3).toArray();
        long k = rows.length;
        long keptPairs = IntStream.of(rows).map(i -> i % T + 1).sum();
        boolean[] keep = new boolean[(int) M];
        IntStream.of(rows).forEach(i -> keep[i] = true);
        Flops flops = step(model(config(0), all(0)), new Objective() {
            @Override
            public String name() {
                return "test";
            }

            @Override
            public MicroBatch.Loss of(MicroBatch batch) {
                return batch.over(Selection.mean(keep, 0, 0.3), batch.losses());
            }
        });
        long ofRows = HEAD + 9L * C * C + 2L * R * (INPUTS + OUTPUTS - 4 * C);
        long ofAll = 3L * C * C + 2L * R * 4 * C + (L - 1) * (BLOCK + 2 * R * (INPUTS + OUTPUTS))
                - (3L * C * C + R * C);
        assertEquals(MICRO_BATCHES * 2 * (k * ofRows + M * ofAll + 5L * C * (keptPairs + (L - 1) * PAIRS) + k),
                flops.backward());
    }

    /** B is zero at first: t·Bᵀ adds zeros. GELU is not fused with the product, and rounds differently. */
    @Test
    void beginsAsTheModelThatItAdapts() {
        Gpt2Config config = config(0);
        Gpt2 adapted = model(config, all(0));
        try (Tape tape = Tape.evaluation(backend)) {
            Tensor ids = tape.put(IntStream.range(0, 2 * T).map(i -> i * 7 % V).toArray(), 2, T);
            Gpt2 plain = Tiny.model(config, backend);
            assertArrayEquals(plain.logits(plain.forward(tape, ids)).value().toFloats(),
                    adapted.logits(adapted.forward(tape, ids)).value().toFloats(), 1e-6f);
        }
        Parameter a = adapted.parameters().get("blocks.1.mlp.down" + LowRank.A);
        double bound = 1 / Math.sqrt(4 * C);
        double largest = 0;
        double squares = 0;
        for (float v : a.value().toFloats()) {
            largest = Math.max(largest, Math.abs(v));
            squares += (double) v * v / a.value().size();
        }
        assertTrue(largest <= bound && largest > 0.95 * bound, largest + " of " + bound);
        assertEquals(bound / Math.sqrt(3), Math.sqrt(squares), 0.1 * bound, "uniform");
    }

    @Test
    void onlyTheAdaptersLearn() {
        Gpt2 model = model(config(0.1), all(0.1));
        Map<String, Tensor> before = new TreeMap<>();
        model.parameters().forEach((path, p) -> before.put(path, p.value().to(backend)));
        List<Double> losses = new ArrayList<>();
        try (Trainer trainer = new Trainer(model, new Tiny.AboveMean(), Tiny.data(dir, V), Tiny.options(40), _ -> {
        })) {
            for (int i = 0; i < 40; i++) {
                losses.add(trainer.oneStep().loss());
            }
            assertEquals(4 * 2 * L, trainer.optimizer().state().get("m").size());
        }
        double last = losses.subList(30, 40).stream().mapToDouble(d -> d).average().orElseThrow();
        assertTrue(last < losses.getFirst() - 0.05, losses.toString());
        model.parameters().forEach((path, p) -> {
            assertEquals(LowRank.isAdapter(path), p.needsGradient(), path);
            assertEquals(!LowRank.isAdapter(path), p.value().sameAs(before.get(path)), path);
        });
        assertEquals(all(0).parameterCount(config(0)), model.trainedCount());
        assertEquals(R * L * (INPUTS + OUTPUTS), model.trainedCount());
    }

    /** The tolerance is that of the estimate for whole training. */
    @Test
    void memoryIsEstimated() {
        Gpt2Config config = Gpt2Config.of(4, 4, 128, 64).with(Gpt2Config.VOCAB_SIZE, 5003);
        LowRank adapters = all(0);
        try (Trainer trainer = new Trainer(model(config, adapters), new Objective.Mean(), Tiny.data(dir, V),
                Tiny.options(10).with(TrainOptions.BATCH_SIZE, 8), _ -> {
                })) {
            trainer.oneStep();
            trainer.oneStep();
            long taken =
                    trainer.workspaceBytes() + MemoryNeed.ofWeights(config) + 16 * adapters.parameterCount(config);
            double foreseen = MemoryNeed.ofTraining(config, Optional.of(adapters), 8);
            assertEquals(taken, foreseen, 0.25 * taken);
            assertTrue(foreseen < MemoryNeed.ofTraining(config, 8) - 2 * MemoryNeed.ofWeights(config));
        }
    }

    @Test
    void targetsNameLayers() {
        adapters(0, "attn.c_proj", "h.2.mlp.c_fc").check(config(0));
        String message =
                assertThrows(UserError.class, () -> adapters(0, "c_attn", "wte").check(config(0))).getMessage();
        assertTrue(message.startsWith("'wte' names no linear layer. Choose from c_attn, c_proj, c_fc"), message);
        assertThrows(UserError.class, () -> adapters(0, "h.3.mlp.c_fc").check(config(0)));
        assertThrows(UserError.class, () -> adapters(0, "ttn.c_proj").check(config(0)));
        assertThrows(UserError.class, () -> adapters(0).check(config(0)));
    }
}
