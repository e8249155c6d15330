// SPDX-License-Identifier: Apache-2.0
package io.eslm.explain;

import com.google.gson.JsonObject;
import io.eslm.gpt2.option.Option;
import io.eslm.gpt2.train.Objective;
import io.eslm.tensor.backend.Backend;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Takes a step several times and tells it. The weights stay as they are. The first time finds out about the tokens, and warms
 * up; then the step and the same step without selection take turns, and the shortest time of each op is
 * told: other programs and the compiler only make it longer.
 */
public final class Explainer {
    /** Asks for a row of a parameter's gradient. */
    public static final Option<String> ROW = RowQuery.OPTION;

    /** How long to go on by default: the compiler needs some of it until it has seen enough of the kernels. */
    public static final int SECONDS = 4;
    /** Fewest repetitions by default. */
    public static final int LEAST = 3;

    /** One repetition. */
    private record Taken(StepOutcome outcome, List<OpRecord> ops, StepTimes rest) {
        /** {@code a} with the shorter times of both. */
        static Taken least(Taken a, Taken b) {
            if (a == null) {
                return b;
            }
            for (int i = 0; i < a.ops.size(); i++) {
                a.ops.get(i).keepLeast(b.ops.get(i));
            }
            return new Taken(a.outcome, a.ops, a.rest.least(b.rest));
        }
    }

    private final Subject subject;
    private final Backend backend;
    private final Parts parts = new Parts();
    private final JsonObject state;

    private Explainer(Subject subject) {
        this.subject = subject;
        this.backend = subject.step().model().backend();
        this.state = subject.objective().state();
        parts.add(subject.step().model());
        subject.others().forEach(parts::add);
    }

    /**
     * Tells the step of {@code subject}.
     *
     * @param row as {@code transformer.wte.weight:464}, to take that row of the gradient apart
     * @param repetitions timed, at least 1; empty for as many as fit in {@value #SECONDS} seconds, at least {@value #LEAST}
     * @throws io.eslm.tensor.UserError if the model has no such row, or a loss or gradient is not finite
     */
    public static Explanation explain(Subject subject, Optional<String> row, Optional<Integer> repetitions) {
        return new Explainer(subject).explain(row, repetitions);
    }

    private Explanation explain(Optional<String> row, Optional<Integer> repetitions) {
        Step step = subject.step();
        Optional<RowQuery> query = row.map(text -> RowQuery.of(text, step.model()));
        boolean plain = subject.objective() instanceof Objective.Mean;
        Objective all = new Objective.Mean();
        try (StepRunner runner = new StepRunner(step)) {
            OpWatch ops = new OpWatch(backend, parts);
            TokenWatch tokens = new TokenWatch(backend, parts, step.batch());
            Optional<RowWatch> rows = query.map(q -> new RowWatch(q, ops));
            List<StepWatch> watches = new ArrayList<>(List.of(ops, tokens));
            rows.ifPresent(watches::add);
            runner.run(subject.objective(), state, new Watches(watches));
            Taken best = null;
            Taken bestPlain = null;
            long start = System.nanoTime();
            int taken = 0;
            while (taken < repetitions.orElse(LEAST)
                    || repetitions.isEmpty() && (System.nanoTime() - start) * 1e-9 < SECONDS) {
                best = Taken.least(best, take(runner, subject.objective(), state));
                bestPlain = plain ? null : Taken.least(bestPlain, take(runner, all, new JsonObject()));
                taken++;
            }
            long parameters = step.model().parameterCount();
            StepCost without =
                    bestPlain == null ? null
                            : StepCost.of(bestPlain.outcome, bestPlain.ops, bestPlain.rest, parameters);
            return new Explanation(step, subject.what(), subject.objective().name(), backend.description(),
                    backend.peakFlops(), List.copyOf(best.ops), best.outcome,
                    best.rest, StepCost.of(best.outcome, best.ops, best.rest, parameters), Optional.ofNullable(without),
                    taken,
                    List.copyOf(tokens.fates()), rows.map(r -> r.result(tokens)));
        }
    }

    private Taken take(StepRunner runner, Objective objective, JsonObject before) {
        OpWatch ops = new OpWatch(backend, parts);
        StepOutcome outcome = runner.run(objective, before, ops);
        return new Taken(outcome, ops.records(), StepTimes.of(outcome, ops.records()));
    }
}
