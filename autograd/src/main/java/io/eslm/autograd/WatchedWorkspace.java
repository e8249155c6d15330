// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd;

import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Workspace;

/**
 * A workspace whose tapes tell a listener of every op: the tape of a training step, and those that an objective makes beside it
 * for a reference model, a teacher or an early exit.
 */
public final class WatchedWorkspace extends Workspace {
    private final OpListener listener;

    public WatchedWorkspace(Backend backend, OpListener listener) {
        super(backend);
        this.listener = listener;
    }

    /** {@code workspace} if its tapes are watched, else null. */
    static WatchedWorkspace orNull(Workspace workspace) {
        return workspace instanceof WatchedWorkspace watched ? watched : null;
    }

    Variable forward(OpContext op) {
        listener.beforeForward(op);
        Variable y = op.forward();
        listener.afterForward(op);
        return y;
    }

    /** An op that no gradient has reached has no backward pass, and nothing is heard of it. */
    void backward(OpContext op) {
        boolean runs = op.arrived() != null;
        if (runs) {
            listener.beforeBackward(op);
        }
        op.backward();
        if (runs) {
            listener.afterBackward(op);
        }
    }
}
