// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.train;

import io.eslm.tensor.UserError;

/** A loss or a gradient is not finite: this run cannot continue, but another one may. */
public final class DivergedError extends UserError {
    private static final long serialVersionUID = 1L;

    private final long step;
    private final String problem;

    DivergedError(long step, String problem) {
        super("step " + step + ": " + problem);
        this.step = step;
        this.problem = problem;
    }

    private DivergedError(DivergedError cause, String more) {
        super(cause.getMessage() + ". " + more, cause);
        step = cause.step;
        problem = cause.problem;
    }

    /** What is not finite, and where. */
    String problem() {
        return problem;
    }

    /** The step that failed, counted from 1; the weights are those before it. */
    public long step() {
        return step;
    }

    /** This error with another sentence at the end of its message, without its full stop. */
    public DivergedError and(String sentence) {
        return new DivergedError(this, sentence);
    }
}
