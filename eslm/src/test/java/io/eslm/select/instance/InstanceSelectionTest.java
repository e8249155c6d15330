// SPDX-License-Identifier: Apache-2.0
package io.eslm.select.instance;

import static io.eslm.select.ObjectiveRun.BATCH;
import static io.eslm.select.ObjectiveRun.M;
import static io.eslm.select.ObjectiveRun.TIME;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.autograd.Tape;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.Gpt2.TokenLosses;
import io.eslm.gpt2.train.MicroBatch;
import io.eslm.gpt2.train.MicroBatch.Loss;
import io.eslm.gpt2.train.Objective;
import io.eslm.select.MethodSpec;
import io.eslm.select.ObjectiveRun;
import io.eslm.select.token.Risk;
import io.eslm.select.token.ValueAtRisk;
import io.eslm.tensor.Rng;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.FlopCounter.Phase;
import io.eslm.tensor.backend.Workspace;
import java.util.OptionalInt;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class InstanceSelectionTest {
    private static final EarlyExit EXIT = new EarlyExit(1, 2);
    private final ObjectiveRun run = new ObjectiveRun(0.1);

    @AfterEach
    void close() {
        run.close();
    }

    private static InstanceSelection of(double alpha, BatchCounts draw) {
        return new InstanceSelection("test", alpha, Risk.LOSS, EXIT, draw, new Objective.Mean());
    }

    /** The fewest windows of which so many are kept, for every batch size. */
    @ParameterizedTest
    @ValueSource(doubles = {0, 0.1, 0.25, 0.5, InstanceSelection.MOST})
    void theKeptBatchHasTheSizeThatWasAsked(double alpha) {
        InstanceSelection kept = of(alpha, BatchCounts.KEPT);
        for (int batch = 1; batch <= 64; batch++) {
            int drawn = kept.drawn(batch);
            assertEquals(batch, drawn - ValueAtRisk.rank(drawn, alpha) + 1, "of " + drawn);
            assertTrue(drawn == batch || drawn - 1 - ValueAtRisk.rank(drawn - 1, alpha) + 1 < batch,
                    "one fewer is too few");
            assertEquals(batch, of(alpha, BatchCounts.DRAWN).drawn(batch));
        }
        assertEquals(20, of(0.25, BatchCounts.KEPT).drawn(16), "rank 5 of 20");
    }

    @ParameterizedTest
    @ValueSource(doubles = {-0.1, 0.96, 1, Double.NaN})
    void levelsThatWouldDrawWithoutBoundAreRefused(double alpha) {
        var e = assertThrows(UserError.class, () -> of(alpha, BatchCounts.KEPT));
        assertEquals(
                "instance alpha " + alpha
                        + ": must be from 0 to 0.95 (at 0.95, it draws twenty windows for each it keeps)",
                e.getMessage());
    }

    @Test
    void keepsTheRiskiestInTheirOrder() {
        float[] risks = {5, 1, 4, 2, 3};
        assertArrayEquals(new int[] {0, 2, 3, 4}, of(0.4, BatchCounts.KEPT).choose(risks));
        assertArrayEquals(new int[] {0, 2, 3, 4}, of(0.4, BatchCounts.DRAWN).choose(risks));
        float[] ties = {2, 1, 2, 3, 2};
        assertArrayEquals(new int[] {0, 2, 3}, of(0.6, BatchCounts.KEPT).choose(ties),
                "a fixed number: lower indices first");
        assertArrayEquals(new int[] {0, 2, 3, 4}, of(0.6, BatchCounts.DRAWN).choose(ties), "all ties");
        float[] equal = {1, 1, 1, 1, 1};
        assertArrayEquals(new int[] {0, 1, 2}, of(0.6, BatchCounts.KEPT).choose(equal));
        assertArrayEquals(new int[] {0, 1, 2, 3, 4}, of(0.6, BatchCounts.DRAWN).choose(equal));
        assertArrayEquals(new int[] {0, 1, 2}, of(0.6, BatchCounts.KEPT).choose(new float[] {1, Float.NaN, 2, 3, 4}));
    }

    @ParameterizedTest
    @ValueSource(strings = {"cvar-loss:alpha=0.3|risk=loss,alpha=0.3", "var-entropy:alpha=0.2|risk=entropy,alpha=0.2",
        "clm|alpha=0"})
    void withoutInstancesHierarchicalIsTheTokenLevelMethod(String both) {
        String token = both.substring(0, both.indexOf('|'));
        Objective hierarchical =
                ObjectiveRun.method("hierarchical:instance-alpha=0," + both.substring(both.indexOf('|') + 1));
        long before = run.backend.flops().count(Phase.EARLY_EXIT);
        run.run(ObjectiveRun.method(token)).assertSameBits(run.run(hierarchical));
        assertEquals(before, run.backend.flops().count(Phase.EARLY_EXIT), "and costs no early exit");
        assertEquals(BATCH, hierarchical.drawn(BATCH));
        assertNotEquals(run.run(ObjectiveRun.method(token)).loss(),
                run.run(ObjectiveRun.method("hierarchical:instance-alpha=0.5,alpha=0,exit-stride=1")).loss());
    }

    /** The early exit after the last block is the model itself, without dropout; also where that separates documents. */
    @ParameterizedTest
    @EnumSource(Risk.class)
    void theExitAfterAllBlocksIsTheModel(Risk risk) {
        for (boolean separate : new boolean[] {false, true}) {
            theExitAfterAllBlocksIsTheModel(risk, separate);
        }
    }

    private static void theExitAfterAllBlocksIsTheModel(Risk risk, boolean separate) {
        try (ObjectiveRun plain = new ObjectiveRun(0);
                Tape tape = Tape.recording(new Workspace(plain.backend), Rng.of(3))) {
            plain.model.separateDocuments(separate ? OptionalInt.of(plain.inputs[5]) : OptionalInt.empty());
            MicroBatch batch = plain.batch(tape, null);
            TokenLosses risks = batch.losses();
            float[] of = risk.of(risks.lossValues(), risks.entropyValues());
            for (int stride : new int[] {1, 2, 4, 9, 20}) {
                float[] proxy = new EarlyExit(2, stride).risks(batch, risk);
                for (int w = 0; w < BATCH; w++) {
                    double sum = 0;
                    int n = 0;
                    for (int t = TIME - 1; t >= 0; t -= stride) {
                        sum += of[w * TIME + t];
                        n++;
                    }
                    assertEquals(sum / n, proxy[w], 1e-5, "window " + w + ", stride " + stride); // float sums over 37 logits
                }
            }
        }
    }

    /** The early exit after the first of two blocks is the model of one block with the same weights. */
    @ParameterizedTest
    @EnumSource(Risk.class)
    void theExitAfterTheFirstBlockIsAModelOfOneBlock(Risk risk) {
        try (ObjectiveRun plain = new ObjectiveRun(0);
                Tape tape = Tape.recording(new Workspace(plain.backend), Rng.of(3))) {
            MicroBatch batch = plain.batch(tape, null);
            Gpt2 one = plain.model(0, 1, 99);
            one.parameters().forEach((path, p) -> p.value().kernels().copy(p.value().storage(),
                    plain.model.parameters().get(path).value().storage(), p.value().size()));
            TokenLosses risks =
                    new MicroBatch(tape, one, batch.ids(), batch.targets(), batch.rng(), batch.share(), 0).losses();
            float[] of = risk.of(risks.lossValues(), risks.entropyValues());
            float[] proxy = new EarlyExit(1, 1).risks(batch, risk);
            for (int w = 0; w < BATCH; w++) {
                double sum = 0;
                for (int t = 0; t < TIME; t++) {
                    sum += of[w * TIME + t];
                }
                assertEquals(sum / TIME, proxy[w], 1e-5, "window " + w); // float sums over 37 logits
            }
            assertNotEquals(new EarlyExit(2, 1).risks(batch, risk)[0], proxy[0], "the second block matters");
        }
    }

    /** Training on what is kept is training on a batch of these windows: same tokens, same dropout, same bits. */
    @Test
    void droppedWindowsLeaveNoTrace() {
        InstanceSelection half = of(0.5, BatchCounts.DRAWN);
        ObjectiveRun.Outcome actual = run.run(half);
        int[] kept;
        try (Tape tape = Tape.recording(new Workspace(run.backend), Rng.of(3))) {
            kept = half.choose(EXIT.risks(run.batch(tape, null), Risk.LOSS));
        }
        assertEquals(2, kept.length);
        ObjectiveRun.Outcome expected = run.run(new Objective() {
            @Override
            public String name() {
                return "cut";
            }

            @Override
            public Loss of(MicroBatch batch) {
                return new Objective.Mean().of(InstanceSelection.windows(batch, kept));
            }
        });
        expected.assertSameBits(actual);
        assertEquals(2 * TIME, actual.step().tokens());
        assertEquals(2 * TIME, actual.step().kept());
        assertNotEquals(run.run(new Objective.Mean()).loss(), actual.loss(), "the dropped window would have mattered");
    }

    @Test
    void tokenLevelFollowsOnTheKeptWindows() {
        Loss step =
                run.run(ObjectiveRun.method("hierarchical:alpha=0.3,instance-alpha=0.5,draw=drawn")).step();
        int tokens = 2 * TIME;
        assertEquals(tokens, step.tokens());
        assertEquals(tokens - ValueAtRisk.rank(tokens, 0.3) + 1, step.kept());
        assertEquals(0.3, step.alpha());
        assertTrue(run.backend.flops().count(Phase.EARLY_EXIT) > 0);
    }

    @Test
    void anExitBehindTheLastBlockIsRefused() {
        var e = assertThrows(UserError.class,
                () -> MethodSpec.parse("instance:exit-blocks=3").check(run.model.config()));
        assertEquals("exit blocks 3: must be at most the model's 2 blocks", e.getMessage());
        MethodSpec.parse("instance:exit-blocks=2").check(run.model.config());
        assertEquals(M, run.run(ObjectiveRun.method("instance:instance-alpha=0.3,draw=drawn")).step().tokens(),
                "rank 1 of 3");
    }
}
