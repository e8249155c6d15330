// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.train;

import io.eslm.autograd.Variable;
import io.eslm.gpt2.Hooks;
import io.eslm.gpt2.collective.Collective;
import io.eslm.tensor.Tensor;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.function.UnaryOperator;

/**
 * The risks of all micro-batches of a step, for methods that choose among all of its tokens: {@link Objective#shareRisks}. Where a rank
 * computes one micro-batch of a step, ranks exchange them between its forward and its backward pass. Where it computes several, their
 * forward passes run twice: once for the risks, and again, with the same bits, when all are known.
 */
final class SharedRisks implements UnaryOperator<float[]> {
    /** Replaces what {@code hooks} replace, and shows them nothing: each micro-batch is shown once. */
    private record Silent(Hooks hooks) implements Hooks {
        @Override
        public boolean reads(String name) {
            return false;
        }

        @Override
        public void read(String name, Tensor value) {
            throw new IllegalStateException(name);
        }

        @Override
        public boolean replaces(String name) {
            return hooks.replaces(name);
        }

        @Override
        public Variable replace(String name, Variable x) {
            return hooks.replace(name, x);
        }
    }

    private final Collective ranks;
    private boolean once;
    private boolean looking;
    private float[] all = {};

    SharedRisks(Collective ranks) {
        this.ranks = ranks;
    }

    /** Before the gradients of a step. */
    void begin(TrainStep step) {
        once = step.gradAccum == ranks.world();
        all = new float[0];
        if (once) {
            return;
        }
        List<Hooks> watching = step.model.hooks();
        List<Hooks> silent = watching.stream().<Hooks>map(Silent::new).toList();
        watching.forEach(step.model::removeHooks);
        silent.forEach(step.model::addHooks);
        looking = true;
        long begin = step.sampler.position();
        try {
            for (int first = 0; first < step.gradAccum; first += ranks.world()) {
                step.sampler.seek(begin + first + ranks.rank());
                step.forward(first + ranks.rank());
            }
        } finally {
            step.sampler.seek(begin);
            looking = false;
            silent.forEach(step.model::removeHooks);
            watching.forEach(step.model::addHooks);
        }
    }

    /** The risks of all micro-batches, in their order, from {@code mine}; while they are not known yet, {@code mine}. */
    @Override
    public float[] apply(float[] mine) {
        if (once || looking) {
            exchange(mine);
        }
        return looking ? mine : all;
    }

    private void exchange(float[] mine) {
        ByteBuffer bytes = ByteBuffer.allocate(Float.BYTES * mine.length);
        bytes.asFloatBuffer().put(mine);
        for (byte[] one : ranks.allGather(bytes.array())) {
            int n = one.length / Float.BYTES;
            all = Arrays.copyOf(all, all.length + n);
            ByteBuffer.wrap(one).asFloatBuffer().get(all, all.length - n, n);
        }
    }
}
