// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.autograd.Tape;
import io.eslm.autograd.Variable;
import io.eslm.gpt2.Golden.Precision;
import io.eslm.gpt2.inspect.ActivationCache;
import io.eslm.gpt2.inspect.Probes;
import io.eslm.tensor.Rng;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import io.eslm.tensor.backend.FlopCounter.Phase;
import io.eslm.tensor.backend.Workspace;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalInt;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A model that reads each document of a window by itself: packed documents are what each is alone, at the same positions. */
class SeparateDocumentsTest {
    private static final int END = 3;
    private static final int T = 20;
    private static final int V = 29;
    private static final Gpt2Config CONFIG = Gpt2Config.of(2, 2, 24, T).with(Gpt2Config.VOCAB_SIZE, V);
    /** Two windows: documents of 4, 1 and 9 tokens and a beginning; the rest of one, and two that end where a window does. */
    private static final int[] IDS = {7, 8, 9, END, END, 1, 2, 4, 5, 6, 7, 8, 9, END, 20, 21, 22, 23, 24, 25, // first
        9, 8, END, 10, 11, 12, 13, 14, 15, 16, 17, 18, END, 1, 2, 4, 5, 6, 7, END};
    private static final int[] STARTS = {0, 0, 0, 0, 4, 5, 5, 5, 5, 5, 5, 5, 5, 5, 14, 14, 14, 14, 14, 14, // first
        0, 0, 0, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 13, 13, 13, 13, 13, 13, 13};

    static Stream<Precision> precisions() {
        return Precision.usable();
    }

    private static Gpt2 model(Backend backend, Precision precision, Gpt2Config config) {
        Weights random = Weights.random(config, backend, Rng.of(5));
        Rng rng = Rng.of(6);
        // Larger than first weights are, so that attention prefers some tokens to others.
        return new Gpt2(config, backend, (path, dims) -> {
            float[] values = random.load(path, dims).toFloats();
            for (int i = 0; i < values.length; i++) {
                values[i] = (float) (values[i] + 0.3 * rng.nextGaussian());
            }
            return Tensor.of(backend, values, dims).to(precision.type());
        });
    }

    private static int[] targets() {
        int[] targets = new int[IDS.length];
        for (int i = 0; i < targets.length; i++) {
            targets[i] = IDS[(i + 1) % IDS.length];
        }
        return targets;
    }

    /** What one pass over both windows gives: the loss of each token, then the gradient of their sum. */
    private static Map<String, double[]> packed(Gpt2 model) {
        try (Tape tape = Tape.withoutDropout(new Workspace(model.backend()))) {
            Variable hidden = model.forward(tape, tape.put(IDS, 2, T));
            Variable loss = model.losses(hidden, tape.put(targets(), 2 * T)).loss();
            return results(model, loss.value().toDoubles(), loss.sum());
        }
    }

    private static Map<String, double[]> results(Gpt2 model, double[] losses, Variable sum) {
        model.clearGradients();
        sum.backward();
        Map<String, double[]> all = new LinkedHashMap<>(Map.of("loss", losses));
        model.parameters().forEach((path, p) -> all.put(path, p.gradient().toDoubles()));
        return all;
    }

    /** The same, with each document in a pass of its own, at the positions that it has in its window. */
    private static Map<String, double[]> alone(Gpt2 model) {
        double[] losses = new double[2 * T];
        try (Tape tape = Tape.withoutDropout(new Workspace(model.backend()))) {
            Variable embedded = model.embed(tape, tape.put(IDS, 2, T));
            Variable sum = null;
            for (int from = 0, to = 0; from < 2 * T; from = to) {
                to = from + 1;
                while (to % T != 0 && IDS[to - 1] != END) {
                    to++;
                }
                Variable x = embedded.slice(0, from, to);
                for (int i = 0; i < CONFIG.nLayer(); i++) {
                    x = model.block(i, x, 1, null);
                }
                int[] next = Arrays.copyOfRange(targets(), from, to);
                Variable loss = model.losses(model.finalNorm(x), tape.put(next, next.length)).loss();
                System.arraycopy(loss.value().toDoubles(), 0, losses, from, next.length);
                sum = sum == null ? loss.sum() : sum.add(loss.sum());
            }
            return results(model, losses, sum);
        }
    }

    @ParameterizedTest
    @MethodSource("precisions")
    void aWindowIsItsDocuments(Precision precision) {
        try (Backend backend = Backends.open(precision.backend(), 2)) {
            Gpt2 model = model(backend, precision, CONFIG);
            Map<String, double[]> together = packed(model);
            Map<String, double[]> expected = alone(model);
            model.separateDocuments(OptionalInt.of(END));
            try (Tape tape = Tape.evaluation(backend)) {
                assertArrayEquals(STARTS, model.starts(tape, tape.put(IDS, 2, T)).toInts());
            }
            Map<String, double[]> actual = packed(model);
            expected.forEach((name, values) -> Golden.assertClose(name, values, actual.get(name),
                    precision.backward()));
            assertEquals(together.get("loss")[0], actual.get("loss")[0], "the first document is as before");
            assertNotEquals(together.get("loss")[T - 1], actual.get("loss")[T - 1], 1e-3);
        }
    }

    /** A window without the token, and a model that does not separate, are computed as ever, bit for bit. */
    @ParameterizedTest
    @ValueSource(strings = {"scalar", "vector"})
    void oneDocumentIsAsBefore(String name) {
        try (Backend backend = Backends.open(name, 2)) {
            Gpt2 model = model(backend, Precision.SCALAR, CONFIG);
            Map<String, double[]> before = packed(model);
            try (Tape tape = Tape.evaluation(backend)) {
                assertNull(model.starts(tape, tape.put(IDS, 2, T)));
            }
            model.separateDocuments(OptionalInt.of(V - 1));
            packed(model).forEach((what, values) -> assertArrayEquals(before.get(what), values, what));
            model.separateDocuments(OptionalInt.of(END));
            assertFalse(Arrays.equals(before.get("loss"), packed(model).get("loss")));
            model.separateDocuments(OptionalInt.empty());
            packed(model).forEach((what, values) -> assertArrayEquals(before.get(what), values, what));
        }
    }

    /** Observing shows zeros across documents and changes no bit and no count; the simple ops agree with the fused one. */
    @ParameterizedTest
    @ValueSource(strings = {"scalar", "vector"})
    void patternsEndWithTheDocument(String name) {
        try (Backend backend = Backends.open(name, 2)) {
            Gpt2 model = model(backend, Precision.SCALAR, CONFIG);
            model.separateDocuments(OptionalInt.of(END));
            Map<String, double[]> expected = packed(model);
            long counted = counted(backend);
            packed(model);
            counted = counted(backend) - counted;
            ActivationCache cache = new ActivationCache();
            try (Probes _ = Probes.on(model).observe("*", cache).observe("*.grad", cache)) {
                long before = counted(backend);
                packed(model).forEach((what, values) -> assertArrayEquals(expected.get(what), values, what));
                assertEquals(counted, counted(backend) - before);
            }
            float[] pattern = cache.get("pattern", 1).toFloats();
            float[] gradient = cache.get("blocks.1.attn.scores.grad").toFloats();
            for (int b = 0; b < 2; b++) {
                for (int row = 0; row < 2 * T; row++) {
                    int query = row % T;
                    for (int key = 0; key < T; key++) {
                        int at = ((b * 2 + row / T) * T + query) * T + key;
                        boolean seen = key <= query && key >= STARTS[b * T + query];
                        assertEquals(seen, pattern[at] > 0, "window " + b + ": " + query + " to " + key);
                        assertTrue(seen || gradient[at] == 0);
                    }
                }
            }
            for (String replaced : new String[] {"blocks.*.attn.scores", "blocks.*.attn.pattern"}) {
                try (Probes _ = Probes.on(model).replace(replaced, (_, x) -> x)) {
                    packed(model).forEach((what, values) -> Golden.assertClose(replaced + " in " + what,
                            expected.get(what), values, Precision.VECTOR.backward()));
                }
            }
        }
    }

    private static long counted(Backend backend) {
        return backend.flops().total() - backend.flops().count(Phase.INSPECTION);
    }
}
