// SPDX-License-Identifier: Apache-2.0
package io.eslm.select.objective;

import static io.eslm.select.ObjectiveRun.BATCH;
import static io.eslm.select.ObjectiveRun.M;
import static io.eslm.select.ObjectiveRun.TIME;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.autograd.Tape;
import io.eslm.gpt2.Gpt2.TokenLosses;
import io.eslm.gpt2.train.Flops;
import io.eslm.gpt2.train.MicroBatch;
import io.eslm.gpt2.train.MicroBatch.Loss;
import io.eslm.gpt2.train.Objective;
import io.eslm.select.MethodSpec;
import io.eslm.select.ObjectiveRun;
import io.eslm.select.token.RandomSelection;
import io.eslm.select.token.Risk;
import io.eslm.select.token.RiskSampling;
import io.eslm.select.token.ValueAtRisk;
import io.eslm.tensor.Rng;
import io.eslm.tensor.backend.FlopCounter.Phase;
import io.eslm.tensor.backend.Workspace;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What each method's passes cost and what they count as, against closed forms. The counter knows the sizes that kernels are
 * called with; that rows which are left out cost no time, the benchmarks show.
 */
class MethodFlopsTest {
    private static final int BLOCKS = 2;
    private static final int OTHER_BLOCKS = 1;
    private static final long C = 24;
    private static final long HEAD = ObjectiveRun.VOCABULARY * C;
    private static final long WINDOW_PAIRS = TIME * (TIME + 1) / 2;
    private final ObjectiveRun run = new ObjectiveRun(0);
    private Loss step;

    @AfterEach
    void close() {
        run.close();
    }

    private Flops flops(String spec) {
        Objective method = MethodSpec.parse(spec).objective(_ -> run.model(0, OTHER_BLOCKS, 8));
        try (Tape tape = Tape.recording(new Workspace(run.backend), Rng.of(3))) {
            Flops before = Flops.of(run.backend.flops());
            step = method.of(run.batch(tape, Rng.of(4)));
            run.backend.flops().run(Phase.BACKWARD, () -> tape.backward(step.loss()));
            return Flops.of(run.backend.flops()).minus(before);
        }
    }

    /** The tokens that {@code chooser} takes from the same batch with the same draws. */
    private int[] rows(BeforeHeadObjective.Chooser chooser) {
        try (Tape tape = Tape.recording(new Workspace(run.backend), Rng.of(3))) {
            MicroBatch batch = run.batch(tape, Rng.of(4));
            return chooser.choose(0.5, batch, run.model.forward(tape, batch.ids()).value()).rows();
        }
    }

    private int[] tail(Risk risk, double alpha) {
        try (Tape tape = Tape.recording(new Workspace(run.backend), Rng.of(3))) {
            TokenLosses risks = run.batch(tape, null).losses();
            return ValueAtRisk.keepTail(risk.of(risks.lossValues(), risks.entropyValues()), alpha).rows();
        }
    }

    private static int[] all(int windows) {
        return IntStream.range(0, windows * TIME).toArray();
    }

    /** {@code blocks} blocks on windows of T tokens, and the head on some rows: 2·(M·L·12C² + rows·V·C + L·2C·pairs). */
    private static long pass(long blocks, long windows, long rows) {
        long products = windows * TIME * blocks * 12 * C * C + rows * HEAD;
        return 2 * (products + blocks * 2 * C * windows * WINDOW_PAIRS);
    }

    /** The pass that is trained on, with the head on some rows and the weighted sum over the kept tokens. */
    private static long trained(int windows, int headRows, int[] kept) {
        return pass(BLOCKS, windows, headRows) + 2L * kept.length;
    }

    /**
     * Each product twice, for its input and its weight: head, last MLP (8C²) and last projection (C²) on the K kept rows, qkv of
     * the last block (3C²) and all blocks below it on M; attention 5C for each pair, in the last block those of kept queries.
     */
    private static long backward(long windows, int[] kept) {
        long m = windows * TIME;
        long k = kept.length;
        long keptPairs = IntStream.of(kept).map(i -> i % TIME + 1).sum();
        return 2 * (2 * (k * (HEAD + 9 * C * C) + m * (3 * C * C + (BLOCKS - 1) * 12 * C * C))
                + 5 * C * (keptPairs + windows * (BLOCKS - 1) * WINDOW_PAIRS) + k);
    }

    @ParameterizedTest
    @CsvSource({"clm, LOSS, 0", "cvar-loss:alpha=0.5, LOSS, 0.5", "var-entropy:alpha=0.3, ENTROPY, 0.3",
        "ada-cvar-loss:alpha=0.2, LOSS, 0.2", "ada-var-entropy:alpha=0.4, ENTROPY, 0.4"})
    void choosingByTheForwardPassCostsNothingMore(String spec, Risk risk, double alpha) {
        int[] kept = alpha == 0 ? all(BATCH) : tail(risk, alpha);
        assertEquals(new Flops(trained(BATCH, M, kept), backward(BATCH, kept), 0, 0), flops(spec));
        assertEquals(kept.length, step.kept());
    }

    @Test
    void riskSamplingCostsNothingMore() {
        int[] kept = rows((alpha, batch, _) -> {
            TokenLosses risks = batch.losses();
            return SelectiveObjective.choose(new RiskSampling(alpha, Risk.GRADIENT, 0.1), risks, batch);
        });
        assertTrue(kept.length == 13 || kept.length == 14, "kept " + kept.length);
        assertEquals(new Flops(trained(BATCH, M, kept), backward(BATCH, kept), 0, 0),
                flops("risk-sampling:keep-ratio=0.5"));
    }

    /** The head on the kept tokens alone, and on all of them for the U targets that there are. */
    @Test
    void aShortlistSavesTheHeadOfWhatIsDropped() {
        int[] kept = rows(new Shortlist(Risk.GRADIENT, 0.1));
        long shortlist = Arrays.stream(run.targets).distinct().count();
        assertTrue(kept.length == 13 || kept.length == 14, "kept " + kept.length);
        assertEquals(new Flops(trained(BATCH, kept.length, kept), backward(BATCH, kept), 2 * M * shortlist * C, 0),
                flops("shortlist-sampling:keep-ratio=0.5"));
    }

    @Test
    void chanceSavesTheHeadOfWhatIsDropped() {
        int[] kept = rows((alpha, batch, _) -> RandomSelection.of(alpha, batch.tokens(), batch.rng()));
        assertEquals(14, kept.length);
        assertEquals(new Flops(trained(BATCH, kept.length, kept), backward(BATCH, kept), 0, 0),
                flops("random:alpha=0.5"));
    }

    @Test
    void aReferenceModelReadsEverything() {
        Flops flops = flops("rho-1:reference=x,keep-ratio=0.5");
        assertEquals(pass(OTHER_BLOCKS, BATCH, M), flops.selection());
        assertEquals(pass(BLOCKS, BATCH, M) + 2L * step.kept(), flops.forward());
        assertEquals(14, step.kept());
    }

    /** Its head on the kept tokens alone; and the gradient of what is mixed costs no product more. */
    @Test
    void aTeacherReadsEverythingAndSpeaksOfWhatIsKept() {
        int[] kept = tail(Risk.LOSS, 0.5);
        assertEquals(14, kept.length);
        assertEquals(new Flops(trained(BATCH, M, kept), backward(BATCH, kept),
                pass(OTHER_BLOCKS, BATCH, kept.length), 0), flops("kd:teacher=x,alpha=0.5"));
    }

    /** Two of three windows go on; the early exit has one block, and its head looks at 3 of 9 positions. */
    @Test
    void droppedWindowsCostAnEarlyExit() {
        int[] kept = all(2);
        assertEquals(new Flops(trained(2, kept.length, kept), backward(2, kept), 0, pass(1, BATCH, BATCH * 3)),
                flops("instance:instance-alpha=0.5,draw=drawn"));
        assertEquals(kept.length, step.tokens());
        Flops both = flops("hierarchical:instance-alpha=0.5,draw=drawn,alpha=0.3");
        assertEquals(pass(1, BATCH, BATCH * 3), both.earlyExit());
        assertEquals(pass(BLOCKS, 2, kept.length) + 2L * step.kept(), both.forward());
        assertTrue(step.kept() < kept.length && both.backward() < backward(2, kept), "and its tokens are fewer");
    }

    @Test
    void noWindowDroppedNoEarlyExit() {
        int[] kept = all(BATCH);
        assertEquals(new Flops(trained(BATCH, M, kept), backward(BATCH, kept), 0, 0),
                flops("instance:instance-alpha=0,draw=drawn"));
    }
}
