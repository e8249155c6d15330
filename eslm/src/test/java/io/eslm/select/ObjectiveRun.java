// SPDX-License-Identifier: Apache-2.0
package io.eslm.select;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.eslm.autograd.Tape;
import io.eslm.autograd.Variable;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.Weights;
import io.eslm.gpt2.train.MicroBatch;
import io.eslm.gpt2.train.MicroBatch.Loss;
import io.eslm.gpt2.train.Objective;
import io.eslm.tensor.Rng;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import io.eslm.tensor.backend.Workspace;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;

/** Runs objectives on a small GPT-2 and one batch of random tokens. */
public final class ObjectiveRun implements AutoCloseable {
    public static final int BATCH = 3;
    public static final int TIME = 9;
    public static final int M = BATCH * TIME;
    public static final int VOCABULARY = 37;

    public final Backend backend = Backends.open("auto", 1);
    public final Gpt2 model;
    public final int[] inputs = ids(1);
    public final int[] targets = ids(2);

    public ObjectiveRun(double dropout) {
        model = model(dropout, 2, 5);
    }

    /** Another model for the same tokens, on the same backend. */
    public Gpt2 model(double dropout, int layers, long seed) {
        Gpt2Config config = Gpt2Config.of(layers, 3, 24, TIME).with(Gpt2Config.VOCAB_SIZE, VOCABULARY)
                .with(Gpt2Config.DROPOUT, dropout);
        Gpt2 made = new Gpt2(config, backend, Weights.random(config, backend, Rng.of(seed)));
        // Initial weights give nearly even predictions; larger ones tell the tokens apart.
        made.parameters().values().forEach(p -> p.value().kernels().axpby(p.value().storage(), p.value().storage(),
                p.value().size(), 3, 0));
        return made;
    }

    private static int[] ids(long seed) {
        Rng rng = Rng.of(seed);
        int[] ids = new int[M];
        Arrays.setAll(ids, _ -> rng.nextInt(VOCABULARY));
        return ids;
    }

    /** What one forward and backward pass gave. */
    public record Outcome(Loss step, float loss, Map<String, float[]> gradients) {
        public void assertSameBits(Outcome actual) {
            assertEquals(loss, actual.loss);
            gradients.forEach((name, g) -> assertArrayEquals(g, actual.gradients.get(name), name));
        }

        /** Sums in another order: the differences stay below {@code tolerance} of the largest entry. */
        public void assertClose(Outcome actual, float tolerance) {
            assertEquals(loss, actual.loss, tolerance * Math.abs(loss));
            gradients.forEach(
                    (name, g) -> assertArrayEquals(g, actual.gradients.get(name), tolerance * largest(g), name));
        }

        public static float largest(float[] g) {
            float largest = 0;
            for (float v : g) {
                largest = Math.max(largest, Math.abs(v));
            }
            return largest;
        }
    }

    public Outcome run(Objective method) {
        return run(method, Rng.of(4));
    }

    public Outcome run(Objective method, Rng rng) {
        try (Tape tape = Tape.recording(new Workspace(backend), Rng.of(3))) {
            Loss step = method.of(batch(tape, rng));
            return outcome(tape, step, step.loss());
        }
    }

    public MicroBatch batch(Tape tape, Rng rng) {
        return new MicroBatch(tape, model, tape.put(inputs, BATCH, TIME), tape.put(targets, M), rng, 1, 0);
    }

    public Outcome outcome(Tape tape, Loss step, Variable loss) {
        model.clearGradients();
        tape.backward(loss);
        Map<String, float[]> gradients = new TreeMap<>();
        model.parameters().forEach((name, p) -> gradients.put(name, p.gradient().toFloats()));
        return new Outcome(step, loss.value().toFloats()[0], gradients);
    }

    /** The method of a specification without folders. */
    public static Objective method(String spec) {
        return MethodSpec.parse(spec).objective(_ -> null);
    }

    @Override
    public void close() {
        backend.close();
    }
}
