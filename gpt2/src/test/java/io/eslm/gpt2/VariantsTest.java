// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.autograd.Parameter;
import io.eslm.autograd.Tape;
import io.eslm.autograd.Variable;
import io.eslm.autograd.op.HeadCrossEntropy;
import io.eslm.autograd.op.WeightedSum;
import io.eslm.gpt2.Golden.Precision;
import io.eslm.gpt2.checkpoint.Checkpoints;
import io.eslm.gpt2.checkpoint.ModelFolder;
import io.eslm.gpt2.inspect.ActivationCache;
import io.eslm.gpt2.inspect.Probes;
import io.eslm.gpt2.train.Objective;
import io.eslm.gpt2.train.Tiny;
import io.eslm.gpt2.train.Trainer;
import io.eslm.tensor.DType;
import io.eslm.tensor.Rng;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import io.eslm.tensor.backend.Workspace;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Models that differ from GPT-2 in their configuration: what Hugging Face computes, and the same laws as for GPT-2. */
class VariantsTest {
    private static final List<String> NAMES = List.of("exact-gelu", "quick-gelu-narrow", "relu-epsilon",
            "silu-untied-sharded", "unscaled", "inverse-layer", "no-bias");

    @TempDir
    private Path dir;

    static Stream<String> names() {
        return NAMES.stream();
    }

    static Stream<Arguments> cases() {
        return names().flatMap(name -> Precision.usable().map(precision -> Arguments.of(name, precision)));
    }

    /** All of them at once, with dropout. */
    private static Gpt2Config all() {
        return Tiny.config().with(Gpt2Config.ACTIVATION, "gelu").with(Gpt2Config.N_INNER, 40)
                .with(Gpt2Config.BIAS, false).with(Gpt2Config.TIE_WORD_EMBEDDINGS, false)
                .with(Gpt2Config.SCALE_ATTN_WEIGHTS, false).with(Gpt2Config.SCALE_ATTN_BY_INVERSE_LAYER_IDX, true)
                .with(Gpt2Config.LAYER_NORM_EPS, 1e-3);
    }

    /** The tolerances are those of GPT-2 itself: a variant has no longer paths. */
    @ParameterizedTest
    @MethodSource("cases")
    void lossesAndGradientsAreHuggingFaces(String name, Precision precision) {
        try (Golden golden = new Golden("variants/" + name, precision);
                Tape tape = Tape.recording(new Workspace(golden.model().backend()), Rng.of(0))) {
            Gpt2 model = golden.model();
            Variable hidden = model.forward(tape, golden.ids());
            golden.assertClose("logits", model.logits(hidden).value(), precision.forward());
            DType type = model.head().value().dtype();
            Tensor targets = golden.targets();
            Tensor entropy = tape.memory(type, targets.size());
            Variable each = tape.apply(new HeadCrossEntropy(targets, entropy), hidden, model.head());
            golden.assertClose("token_loss", each.value(), precision.forward());
            golden.assertClose("token_entropy", entropy, precision.forward());
            Tensor weights = Tensor.full(model.backend(), type, 1.0 / targets.size(), targets.size());
            tape.backward(tape.apply(new WeightedSum(null, weights), each));
            Map<String, Parameter> parameters = model.parameters();
            parameters.forEach((path, p) -> golden.assertClose("grad." + PretrainedNames.of(path), p.gradient(),
                    precision.backward()));
            assertEquals(name.equals("no-bias") ? 3 * 6 + 3 : 3 * 12 + (model.config().tied() ? 4 : 5),
                    parameters.size());
        }
    }

    @ParameterizedTest
    @MethodSource("names")
    void theNumberOfWeightsIsKnownBeforehand(String name) {
        try (Golden golden = new Golden("variants/" + name, Precision.SCALAR)) {
            assertEquals(golden.model().parameterCount(), golden.model().config().parameterCount());
        }
    }

    @ParameterizedTest
    @MethodSource("names")
    void savedModelsComeBackBitForBit(String name) {
        try (Golden golden = new Golden("variants/" + name, Precision.SCALAR)) {
            ModelFolder.save(golden.model(), dir);
            Gpt2 again = ModelFolder.load(dir, golden.model().backend());
            assertEquals(golden.model().config(), again.config());
            again.parameters().forEach((path, p) -> assertTrue(
                    p.value().sameAs(golden.model().parameters().get(path).value()), path));
        }
    }

    /** From one position to the next, through the cache, and all at once. Both round the same sums in another order. */
    @ParameterizedTest
    @MethodSource("names")
    void generationComputesTheSame(String name) {
        try (Golden golden = new Golden("variants/" + name, Precision.VECTOR);
                Tape tape = Tape.evaluation(golden.model().backend())) {
            Gpt2 model = golden.model();
            int batch = golden.dim("input_ids", 0);
            int time = golden.dim("input_ids", 1);
            int[] ids = golden.ints("input_ids");
            KeyValueCache cache = new KeyValueCache(model, batch, time);
            float[] expected = model.logits(model.forward(tape, golden.ids())).value().toFloats();
            double largest = 0;
            for (float e : expected) {
                largest = Math.max(largest, Math.abs(e));
            }
            double tolerance = 2 * Precision.VECTOR.forward() * largest; // that of each side
            int vocabulary = model.config().vocabSize();
            for (int t = 0; t < time; t++) {
                int[] now = new int[batch];
                for (int b = 0; b < batch; b++) {
                    now[b] = ids[b * time + t];
                }
                float[] logits = model.logits(cache.forward(tape, tape.put(now, batch, 1))).value().toFloats();
                for (int i = 0; i < logits.length; i++) {
                    int b = i / vocabulary;
                    assertEquals(expected[(b * time + t) * vocabulary + i % vocabulary], logits[i],
                            tolerance, name + " at " + t);
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"scalar", "vector"})
    void aResumedRunContinuesBitForBit(String name) {
        try (Backend backend = Backends.open(name, 2); Trainer whole = trainer(Tiny.model(all(), backend));
                Trainer first = trainer(Tiny.model(all(), backend))) {
            List<Double> expected = losses(whole, 8);
            List<Double> actual = losses(first, 4);
            Path saved = new Checkpoints(dir.resolve("run")).save(first);
            try (Trainer second = trainer(ModelFolder.load(dir.resolve("run"), backend))) {
                Checkpoints.restore(second, saved);
                actual.addAll(losses(second, 4));
                assertEquals(expected, actual);
                assertTrue(second.model().head().value().sameAs(whole.model().head().value()));
            }
            assertTrue(expected.getLast() < expected.getFirst(), expected.toString());
        }
    }

    private Trainer trainer(Gpt2 model) {
        return new Trainer(model, new Objective.Mean(), Tiny.data(dir.resolve("data"), Tiny.VOCABULARY),
                Tiny.options(8), e -> {
                });
    }

    private static List<Double> losses(Trainer trainer, int steps) {
        List<Double> losses = new ArrayList<>();
        for (int i = 0; i < steps; i++) {
            losses.add(trainer.oneStep().loss());
        }
        return losses;
    }

    /** The scores that are shown are those of the softmax, and to put every value in its own place changes nothing. */
    @Test
    void whatIsShownIsWhatIsComputed() {
        try (Backend backend = Backends.open("vector", 1); Tape tape = Tape.evaluation(backend)) {
            Gpt2 model = Tiny.model(all(), backend);
            Tensor ids = Tensor.of(backend, new int[] {1, 2, 3, 4, 5, 6}, 2, 3);
            float[] expected = model.forward(tape, ids).value().toFloats();
            ActivationCache cache = new ActivationCache();
            try (Probes _ = Probes.on(model).observe("*", cache)) {
                assertArrayEquals(expected, model.forward(tape, ids).value().toFloats());
            }
            // block 1, head 0, second query: q·k/2, since scores of block i = 1, 2 are divided by i alone
            float[] q = cache.get("blocks.1.attn.q").toFloats();
            float[] k = cache.get("blocks.1.attn.k").toFloats();
            int width = model.config().nEmbd();
            double dot = 0;
            for (int d = 0; d < model.config().headSize(); d++) {
                dot += q[width + d] * (double) k[d] / 2;
            }
            float score = cache.get("blocks.1.attn.scores").toFloats()[3];
            assertEquals(dot, score, 1e-5 * Math.abs(dot) + 1e-7);
            for (String name : List.of("blocks.1.attn.q", "blocks.1.attn.pattern", "blocks.0.mlp.pre")) {
                try (Probes _ = Probes.on(model).replace(name, (_, value) -> value)) {
                    assertArrayEquals(expected, model.forward(tape, ids).value().toFloats(), 1e-5f, name);
                }
            }
        }
    }

    @Test
    void aConfigurationPrintsWhatDiffersFromGpt2() {
        assertFalse(Tiny.config().toString().contains("bias"), Tiny.config().toString());
        assertFalse(Tiny.config().with(Gpt2Config.N_INNER, 96).toString().contains("inner"));
        assertTrue(all().toString().endsWith("\"activation_function\":\"gelu\",\"n_inner\":40,\"bias\":false,"
                + "\"tie_word_embeddings\":false,\"scale_attn_weights\":false,\"scale_attn_by_inverse_layer_idx\":true}"),
                all().toString());
        assertEquals(Tiny.config(), Tiny.config().with(Gpt2Config.N_INNER, 96));
    }

    @Test
    void everyFolderIsTested() {
        assertEquals(new TreeSet<>(NAMES), new TreeSet<>(List.of(Golden.folder("variants").toFile().list())));
    }
}
