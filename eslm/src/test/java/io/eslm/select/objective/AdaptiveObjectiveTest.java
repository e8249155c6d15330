// SPDX-License-Identifier: Apache-2.0
package io.eslm.select.objective;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import io.eslm.gpt2.train.Objective;
import io.eslm.select.ObjectiveRun;
import io.eslm.select.token.AlphaSchedule;
import io.eslm.select.token.Risk;
import io.eslm.select.token.ValueAtRisk;
import io.eslm.tensor.Rng;
import io.eslm.tensor.UserError;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AdaptiveObjectiveTest {
    @Test
    void aRisingTailKeepsMoreAndAFallingOneFewer() {
        var feedback = new AdaptiveObjective.Feedback(0.1, 2, 0.01, 0.5, 10);
        assertEquals(0.1 * Math.exp(-2 * 0.25), feedback.next(0.1, 4, 5), 1e-15);
        assertEquals(0.1 * Math.exp(2 * 0.25), feedback.next(0.1, 4, 3), 1e-15);
        assertEquals(0.1, feedback.next(0.1, 4, 4));
        assertEquals(0.1, feedback.next(0.1, 0, 4), "nothing before to compare with");
    }

    /** Whatever the tail does, α stays within its bounds, moves against it, and stops at a bound alone. */
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void alphaStaysInItsBounds(long seed) {
        Rng rng = Rng.of(seed);
        var feedback = new AdaptiveObjective.Feedback(0.2, 3, 0.05, 0.4, 1);
        double alpha = 0.2;
        double before = 5;
        boolean low = false;
        boolean high = false;
        for (int k = 0; k < 2000; k++) {
            double now = before * Math.exp(0.3 * rng.nextGaussian());
            double next = feedback.next(alpha, before, now);
            assertTrue(next >= 0.05 && next <= 0.4, "α " + next);
            assertTrue(now > before ? next < alpha || next == 0.05 : next > alpha || next == 0.4,
                    "α from " + alpha + " to " + next + " where the tail goes from " + before + " to " + now);
            low |= next == 0.05;
            high |= next == 0.4;
            alpha = next;
            before = now;
        }
        assertTrue(low && high, "both bounds were met");
    }

    /** The level that is logged changes after each interval, by the law, from CVaR at the first level over all tokens. */
    @ParameterizedTest
    @ValueSource(strings = {"ada-cvar-loss", "ada-var-entropy"})
    void theLevelFollowsTheTailOfTheRun(String name) {
        try (ObjectiveRun run = new ObjectiveRun(0)) {
            Objective method = ObjectiveRun.method(name + ":alpha=0.2,gamma=5,interval=2");
            Risk risk = name.equals("ada-cvar-loss") ? Risk.LOSS : Risk.ENTROPY;
            double[] tail = new double[3];
            double alpha = 0.2;
            for (int step = 0; step < 6; step++) {
                // a batch of other tokens every step: targets that differ, and inputs
                run.targets[step] = step;
                run.inputs[2 * step] = 30 - step;
                tail[step / 2] += tail(run, risk) / 2;
                assertEquals(alpha, run.run(method).step().alpha(), 1e-12, "step " + step);
                method.stepDone();
                if (step % 2 == 1 && step > 1) {
                    double change = tail[step / 2] / tail[step / 2 - 1] - 1;
                    assertTrue(change != 0);
                    alpha *= Math.exp(-5 * change);
                }
            }
            assertTrue(alpha != 0.2);
        }
    }

    private static double tail(ObjectiveRun run, Risk risk) {
        double[] cvar = new double[1];
        run.run(new SelectiveObjective("spy", AlphaSchedule.constant(0), _ -> (loss, entropy, _) -> {
            cvar[0] = ValueAtRisk.conditional(risk.of(loss, entropy), 0.2);
            return ValueAtRisk.keepTail(loss, 0);
        }));
        return cvar[0];
    }

    @Test
    void goesOnFromItsState() {
        try (ObjectiveRun run = new ObjectiveRun(0)) {
            String spec = "ada-cvar-loss:interval=3,gamma=10";
            Objective whole = ObjectiveRun.method(spec);
            Objective resumed = ObjectiveRun.method(spec);
            for (int step = 0; step < 8; step++) {
                if (step == 4) {
                    resumed.restore(whole.state());
                }
                run.targets[step] = step;
                double alpha = run.run(whole).step().alpha();
                whole.stepDone();
                if (step >= 4) {
                    assertEquals(alpha, run.run(resumed).step().alpha());
                    resumed.stepDone();
                }
            }
            assertEquals(whole.state(), resumed.state());
            var e = assertThrows(UserError.class, () -> resumed.restore(new JsonObject()));
            assertTrue(e.getMessage().contains("\"alpha\" is missing"), e.getMessage());
        }
    }
}
