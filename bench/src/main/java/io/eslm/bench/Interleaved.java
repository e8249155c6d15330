// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench;

import io.eslm.gpt2.data.TokenSet;
import io.eslm.gpt2.train.MicroBatch;
import io.eslm.gpt2.train.MicroBatch.Loss;
import io.eslm.gpt2.train.Objective;
import io.eslm.tensor.UserError;
import java.util.List;

/** Several methods in turn, so that other load on the machine affects all of them alike. */
final class Interleaved implements Objective {
    private final List<Objective> methods;
    private int turn;

    Interleaved(List<Objective> methods, int batch) {
        this.methods = methods;
        for (Objective m : methods) {
            if (m.drawn(batch) != methods.getFirst().drawn(batch)) {
                throw new UserError("--method " + m.name() + ": draws a different number of windows than "
                        + methods.getFirst().name() + ", so the two cannot be interleaved; time them separately");
            }
        }
    }

    /** Sets the method of the next step. */
    void turn(int method) {
        turn = method;
    }

    @Override
    public String name() {
        return methods.get(turn).name();
    }

    @Override
    public int drawn(int batchSize) {
        return methods.getFirst().drawn(batchSize);
    }

    @Override
    public void begin(TokenSet train) {
        methods.forEach(method -> method.begin(train));
    }

    @Override
    public Loss of(MicroBatch batch) {
        return methods.get(turn).of(batch);
    }

    @Override
    public void stepDone() {
        methods.get(turn).stepDone();
    }
}
