// SPDX-License-Identifier: Apache-2.0
package io.eslm.spark;

import io.eslm.gpt2.train.MicroBatch;
import io.eslm.gpt2.train.Objective;
import io.eslm.select.Method;
import io.eslm.select.MethodProvider;
import java.util.List;
import org.apache.spark.TaskContext;

/** Plain language modelling in which rank 1 is slow. */
public final class SlowRank implements MethodProvider {
    static final String NAME = "slow-rank";
    /** Milliseconds more of a micro-batch: what counts as slow at all, and six times that. */
    private static final long USUAL = 110;
    private static final long SLOW = 660;

    private static final class Slow implements Objective {
        private final Objective mean = new Mean();

        @Override
        public String name() {
            return NAME;
        }

        @Override
        public MicroBatch.Loss of(MicroBatch batch) {
            try {
                Thread.sleep(TaskContext.getPartitionId() == 1 ? SLOW : USUAL);
            } catch (InterruptedException _) {
                Thread.currentThread().interrupt();
            }
            return mean.of(batch);
        }
    }

    @Override
    public List<Method> methods() {
        return List.of(Method.of(NAME, List.of(), (_, _) -> new Slow()));
    }
}
