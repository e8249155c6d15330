// SPDX-License-Identifier: Apache-2.0
package io.eslm.select;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.autograd.Tape;
import io.eslm.gpt2.train.Flops;
import io.eslm.gpt2.train.StepLoss;
import io.eslm.gpt2.train.TokenLoss;
import io.eslm.tensor.Rng;
import io.eslm.tensor.backend.Workspace;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What each method's forward passes cost and what they count as, against closed forms; the model has 2 blocks. */
class MethodFlopsTest {
    private static final int OTHER_BLOCKS = 1;
    private final LossRun run = new LossRun(0);
    private StepLoss step;

    @AfterEach
    void close() {
        run.close();
    }

    private Flops flops(String spec) {
        TokenLoss method = Methods.of(MethodSpec.parse(spec), _ -> run.model(0, OTHER_BLOCKS, 8));
        try (Tape tape = Tape.recording(new Workspace(run.backend), Rng.of(3))) {
            Flops before = Flops.of(run.backend.flops());
            step = method.of(run.batch(tape, Rng.of(4)));
            return Flops.of(run.backend.flops()).minus(before);
        }
    }

    /** {@code blocks} blocks on windows of T tokens, and the head on some rows: 2·(M·L·12C² + rows·V·C + L·2C·pairs). */
    private static long pass(long blocks, long windows, long rows) {
        long c = 24;
        long time = LossRun.TIME;
        long products = windows * time * blocks * 12 * c * c + rows * LossRun.VOCABULARY * c;
        return 2 * (products + blocks * 2 * c * windows * (time * (time + 1) / 2));
    }

    /** The pass that is trained on, with the weighted sum over the kept tokens. */
    private long trained(int windows) {
        return pass(2, windows, (long) windows * LossRun.TIME) + 2L * step.kept();
    }

    @ParameterizedTest
    @ValueSource(strings = {"clm", "cvar-loss:alpha=0.5", "var-entropy", "ada-cvar-loss", "ada-var-entropy",
        "risk-sampling"})
    void choosingByTheForwardPassCostsNothingMore(String spec) {
        Flops flops = flops(spec);
        assertEquals(new Flops(trained(LossRun.BATCH), 0, 0, 0), flops);
    }

    /** The head on the kept tokens alone, and on all of them for the U targets that there are. */
    @Test
    void aShortlistSavesTheHeadOfWhatIsDropped() {
        Flops flops = flops("shortlist-sampling:keep-ratio=0.5");
        long shortlist = Arrays.stream(run.targets).distinct().count();
        assertTrue(step.kept() == 13 || step.kept() == 14, "kept " + step.kept());
        assertEquals(new Flops(pass(2, LossRun.BATCH, step.kept()) + 2L * step.kept(), 0,
                2 * LossRun.M * shortlist * 24, 0), flops);
    }

    @Test
    void chanceSavesTheHeadOfWhatIsDropped() {
        Flops flops = flops("random:alpha=0.5");
        assertEquals(14, step.kept());
        assertEquals(new Flops(pass(2, LossRun.BATCH, step.kept()) + 2L * step.kept(), 0, 0, 0), flops);
    }

    @Test
    void aReferenceModelReadsEverything() {
        Flops flops = flops("rho-1:reference=x,keep-ratio=0.5");
        assertEquals(new Flops(trained(LossRun.BATCH), 0, pass(OTHER_BLOCKS, LossRun.BATCH, LossRun.M), 0), flops);
    }

    /** Its head on the kept tokens alone. */
    @Test
    void aTeacherReadsEverythingAndSpeaksOfWhatIsKept() {
        Flops flops = flops("kd:teacher=x,alpha=0.5");
        assertEquals(14, step.kept());
        assertEquals(new Flops(trained(LossRun.BATCH), 0, pass(OTHER_BLOCKS, LossRun.BATCH, step.kept()), 0), flops);
    }

    /** Two of three windows go on; the early exit has one block, and its head looks at 3 of 9 positions. */
    @ParameterizedTest
    @ValueSource(strings = {"instance:instance-alpha=0.5,draw=drawn",
        "hierarchical:instance-alpha=0.5,draw=drawn,alpha=0.3"})
    void droppedWindowsCostAnEarlyExit(String spec) {
        Flops flops = flops(spec);
        assertEquals(2 * LossRun.TIME, step.tokens());
        assertEquals(new Flops(trained(2), 0, 0, pass(1, LossRun.BATCH, LossRun.BATCH * 3)), flops);
    }

    @Test
    void noWindowDroppedNoEarlyExit() {
        Flops flops = flops("instance:instance-alpha=0,draw=drawn");
        assertEquals(new Flops(trained(LossRun.BATCH), 0, 0, 0), flops);
    }
}
