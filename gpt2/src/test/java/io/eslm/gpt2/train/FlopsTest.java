// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.autograd.Tape;
import io.eslm.autograd.Variable;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.train.MicroBatch.Loss;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import io.eslm.tensor.backend.FlopCounter.Phase;
import io.eslm.tensor.backend.FlopCounter;
import java.nio.file.Path;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Compares the FLOPs that the kernels count with closed forms: L blocks, width C, vocabulary V, M = B·T tokens. */
class FlopsTest {
    private static final int L = 3;
    private static final int C = 24;
    private static final int V = Tiny.VOCABULARY;
    private static final int B = 4;
    private static final int T = 16;
    private static final long M = B * T;
    private static final int MICRO_BATCHES = 2;
    /** Products of a block: 3C² for q, k and v, C² for the projection, 8C² for the MLP. */
    private static final long BLOCK = 12L * C * C;
    private static final long HEAD = (long) V * C;
    /** Pairs of a query and a key up to it, in all windows. */
    private static final long PAIRS = B * (T * (T + 1) / 2);

    @TempDir
    private Path dir;
    private final Backend backend = Backends.open("vector", 2);

    @AfterEach
    void close() {
        backend.close();
    }

    private Flops step(double dropout, Objective loss) {
        Gpt2 model = Tiny.model(
                Gpt2Config.of(L, 2, C, T).with(Gpt2Config.VOCAB_SIZE, V).with(Gpt2Config.DROPOUT, dropout), backend);
        try (Trainer trainer = new Trainer(model, loss, Tiny.data(dir, V), Tiny.options(10), _ -> {
        })) {
            trainer.oneStep();
            trainer.evaluate();
            return trainer.oneStep().flops();
        }
    }

    /** Without the weighted sum of the losses, a product with one term for each kept token, and its gradient. */
    private static long forward(int blocks) {
        return 2 * (M * (blocks * BLOCK + HEAD) + blocks * 2L * C * PAIRS);
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, 0.1})
    void allRows(double dropout) {
        Flops flops = step(dropout, new Objective.Mean());
        assertEquals(MICRO_BATCHES * (forward(L) + 2 * M), flops.forward());
        assertEquals(MICRO_BATCHES * 2 * (2 * M * (L * BLOCK + HEAD) + L * 5L * C * PAIRS + M), flops.backward(),
                "each product twice, for its input and its weight; attention 5 products for each pair, against 2");
        assertEquals(0, flops.selection());
        assertEquals(0, flops.earlyExit());
        assertEquals(flops.forward() + flops.backward(), flops.total());
    }

    /** Head, last MLP, last projection and last queries work on K rows; qkv of the last block and all below it on M. */
    @Test
    void keptRowsOnly() {
        int[] rows = IntStream.range(0, (int) M).filter(i -> i % 5 != 0 && i % 7 != 3).toArray();
        long k = rows.length;
        long keptPairs = IntStream.of(rows).map(i -> i % T + 1).sum();
        boolean[] keep = new boolean[(int) M];
        IntStream.of(rows).forEach(i -> keep[i] = true);
        Flops flops = step(0, new Named(batch -> batch.over(Selection.mean(keep, 0, 0.3), batch.losses())));
        assertEquals(MICRO_BATCHES * (forward(L) + 2 * k), flops.forward(), "every token is looked at");
        assertEquals(MICRO_BATCHES * 2 * (2 * (k * (HEAD + 9L * C * C) + M * (3L * C * C + (L - 1) * BLOCK))
                + 5L * C * (keptPairs + (L - 1) * PAIRS) + k), flops.backward());
        assertTrue(k < M && keptPairs < PAIRS);
    }

    /** Passes that only choose count separately: one through a single block and the head, one of a whole model. */
    @Test
    void passesThatChoose() {
        Flops flops = step(0, new Named(batch -> {
            FlopCounter counter = batch.model().backend().flops();
            counter.run(Phase.EARLY_EXIT, () -> {
                try (Tape tape = Tape.evaluation(batch.tape().workspace())) {
                    Variable x = batch.model().embed(tape, batch.ids());
                    x = batch.model().block(0, x, B, null);
                    batch.model().logits(batch.model().finalNorm(x));
                }
            });
            counter.run(Phase.SELECTION, () -> {
                try (Tape tape = Tape.evaluation(batch.tape().workspace())) {
                    batch.model().logits(batch.model().forward(tape, batch.ids()));
                }
            });
            return batch.over(Selection.all((int) M), batch.losses());
        }));
        assertEquals(MICRO_BATCHES * forward(1), flops.earlyExit());
        assertEquals(MICRO_BATCHES * forward(L), flops.selection());
        assertEquals(MICRO_BATCHES * (forward(L) + 2 * M), flops.forward());
        assertEquals(flops.forward() + flops.backward() + flops.selection() + flops.earlyExit(), flops.total());
    }

    @Test
    void evaluationCountsApart() {
        Gpt2 model = Tiny.model(Tiny.config(), backend);
        try (Trainer trainer = new Trainer(model, new Objective.Mean(), Tiny.data(dir, V), Tiny.options(10), _ -> {
        })) {
            Flops before = Flops.of(backend.flops());
            trainer.evaluate();
            assertEquals(before, Flops.of(backend.flops()));
            assertTrue(backend.flops().count(Phase.EVALUATION) > 0);
        }
    }

    private interface Body {
        Loss of(MicroBatch batch);
    }

    private record Named(Body body) implements Objective {
        @Override
        public String name() {
            return "test";
        }

        @Override
        public Loss of(MicroBatch batch) {
            return body.of(batch);
        }
    }
}
