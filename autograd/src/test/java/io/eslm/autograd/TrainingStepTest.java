// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.autograd.check.SampleSource;
import io.eslm.autograd.nn.LayerNorm;
import io.eslm.autograd.nn.Linear;
import io.eslm.autograd.nn.Module;
import io.eslm.autograd.op.CausalAttention;
import io.eslm.autograd.op.HeadCrossEntropy;
import io.eslm.autograd.op.TokenEmbedding;
import io.eslm.autograd.op.WeightedSum;
import io.eslm.autograd.optim.AdamW;
import io.eslm.autograd.optim.AdamWOptions;
import io.eslm.autograd.optim.Optimizer;
import io.eslm.tensor.DType;
import io.eslm.tensor.Rng;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import io.eslm.tensor.backend.Workspace;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

/** Whole steps of a small transformer: its memory is reused, never read after its release, and never grows. */
class TrainingStepTest {
    private static final int BATCH = 2;
    private static final int TIME = 4;
    private static final int WIDTH = 6;
    private static final int VOCABULARY = 9;

    /** One block between an embedding and the head tied to it. */
    private static final class Model extends Module {
        private final Parameter tokens;
        private final Parameter positions;
        private final LayerNorm norm;
        private final Linear qkv;
        private final Linear projection;
        private final LayerNorm mlpNorm;
        private final Linear up;
        private final Linear down;

        Model(SampleSource source) {
            tokens = parameter("tokens", new Parameter(source.normal(VOCABULARY, WIDTH)));
            positions = parameter("positions", new Parameter(source.normal(TIME, WIDTH)));
            norm = part("norm", new LayerNorm(source.normal(WIDTH), source.normal(WIDTH), 1e-5));
            qkv = part("qkv", linear(source, WIDTH, 3 * WIDTH));
            projection = part("projection", linear(source, WIDTH, WIDTH));
            mlpNorm = part("mlpNorm", new LayerNorm(source.normal(WIDTH), source.normal(WIDTH), 1e-5));
            up = part("up", linear(source, WIDTH, 4 * WIDTH));
            down = part("down", linear(source, 4 * WIDTH, WIDTH));
        }

        private static Linear linear(SampleSource source, int in, int out) {
            return new Linear(source.normal(in, out), source.normal(out));
        }

        /** Losses (M). */
        Variable forward(Tape tape, Tensor ids, Tensor targets) {
            Variable x = tape.apply(new TokenEmbedding(ids, 0), tokens, positions).dropout(0.2);
            Variable attended = tape.apply(new CausalAttention(BATCH, 2, 0.1, tape.nextSeed()),
                    qkv.forward(norm.forward(x)));
            Variable h = x.add(projection.forward(attended).dropout(0.2));
            Variable y = down.forward(up.forwardGelu(mlpNorm.forward(h)), h);
            return tape.apply(new HeadCrossEntropy(targets, tape.memory(DType.F32, BATCH * TIME)), y, tokens);
        }
    }

    /** Losses and weights of {@code steps} optimizer steps, each over two micro-batches and some of their tokens. */
    private static List<float[]> train(Backend backend, Function<Backend, Workspace> memory, int steps,
            Runnable afterStep) {
        Model model = new Model(new SampleSource(backend, DType.F32, Rng.of(1)));
        AdamW adamW = new AdamW(model.parameters(), AdamWOptions.DEFAULT);
        List<float[]> seen = new ArrayList<>();
        Rng rng = Rng.of(2);
        try (Tape tape = Tape.recording(memory.apply(backend), rng)) {
            for (int step = 0; step < steps; step++) {
                model.clearGradients();
                for (int micro = 0; micro < 2; micro++) {
                    tape.reset(rng.split("step " + step + " " + micro));
                    Tensor ids = tape.put(tokens(rng), BATCH, TIME);
                    Variable losses = model.forward(tape, ids, tape.put(tokens(rng), BATCH * TIME));
                    int[] kept = step % 3 == 0 ? new int[] {0, 2, 3, 7} : new int[] {1, 6};
                    Rows rows = Rows.of(tape, kept, BATCH * TIME);
                    Variable loss =
                            tape.apply(new WeightedSum(rows, tape.put(new float[] {.5f, .25f, .125f, 1}, kept.length)),
                                    losses);
                    tape.backward(loss);
                    seen.add(new float[] {(float) loss.value().item()});
                }
                tape.reset();
                adamW.step(0.01, Optimizer.clipScale(adamW.gradientNorm(), 1));
                afterStep.run();
            }
        }
        model.parameters().values().forEach(p -> seen.add(p.value().toFloats()));
        return seen;
    }

    private static int[] tokens(Rng rng) {
        int[] ids = new int[BATCH * TIME];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = rng.nextInt(VOCABULARY);
        }
        return ids;
    }

    @Test
    void releasedMemoryIsNeverRead() {
        try (Backend backend = Backends.open("scalar", 1)) {
            List<PoisonedWorkspace> poisoned = new ArrayList<>();
            List<float[]> clean = train(backend, Workspace::new, 4, () -> {});
            List<float[]> actual = train(backend, b -> {
                poisoned.add(new PoisonedWorkspace(b));
                return poisoned.getFirst();
            }, 4, () -> assertEquals(0, poisoned.getFirst().inUse(), "between steps everything is released"));
            assertEquals(clean.size(), actual.size());
            for (int i = 0; i < clean.size(); i++) {
                assertArrayEquals(clean.get(i), actual.get(i));
                for (float v : actual.get(i)) {
                    assertTrue(Float.isFinite(v));
                }
            }
        }
    }

    @Test
    void aStepAllocatesNothingAfterWarmUp() {
        AtomicLong allocations = new AtomicLong();
        List<Long> after = new ArrayList<>();
        try (Backend scalar = Backends.open("scalar", 1)) {
            Backend counting =
                    (Backend) Proxy.newProxyInstance(Backend.class.getClassLoader(), new Class<?>[] {Backend.class},
                            (_, method, arguments) -> {
                                if (method.getName().equals("allocate")) {
                                    allocations.incrementAndGet();
                                }
                                try {
                                    return method.invoke(scalar, arguments);
                                } catch (InvocationTargetException e) {
                                    throw e.getCause();
                                }
                            });
            train(counting, Workspace::new, 9, () -> after.add(allocations.get()));
        }
        assertTrue(after.getFirst() > 0, "the count works");
        assertEquals(after.get(3), after.getLast(),
                "allocations grew after both numbers of kept tokens were seen: " + after);
    }
}
