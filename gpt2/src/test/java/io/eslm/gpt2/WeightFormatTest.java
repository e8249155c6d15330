// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.autograd.Tape;
import io.eslm.gpt2.checkpoint.ModelFolder;
import io.eslm.gpt2.generate.Generator;
import io.eslm.gpt2.generate.Sampling;
import io.eslm.gpt2.train.MemoryNeed;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import io.eslm.tensor.backend.HeapStorage;
import io.eslm.tensor.backend.Q8Storage;
import io.eslm.tensor.backend.Workspace;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class WeightFormatTest {
    private static final int[] TEXT = {3, 14, 15, 9, 2, 6, 5};
    private final Backend backend = Backends.open("vector", 2);

    @AfterEach
    void close() {
        backend.close();
    }

    private static float[] logits(Gpt2 model, int... text) {
        try (Tape tape = Tape.evaluation(new Workspace(model.backend()))) {
            return model.logits(model.forward(tape, tape.put(text, 1, text.length))).value().toFloats();
        }
    }

    private static double[] doubles(float[] values) {
        return IntStream.range(0, values.length).mapToDouble(i -> values[i]).toArray();
    }

    /** A model in single precision whose weights have the values of those in 8 bits. */
    private static Gpt2 widened(Gpt2 model) {
        return new Gpt2(model.config(), model.backend(), (path, dims) -> {
            Tensor t = model.parameters().get(path).value();
            float[] values = new float[t.size()];
            HeapStorage storage = HeapStorage.of(t.storage());
            for (int i = 0; i < values.length; i++) {
                values[i] = (float) storage.get(i);
            }
            return Tensor.of(model.backend(), values, dims);
        });
    }

    /** All weights are used, the right way round: where they are not, the logits have nothing in common. */
    @ParameterizedTest
    @ValueSource(strings = {"vector", "scalar"})
    void computesWhatAModelOfItsRoundedValuesDoes(String name) {
        try (Backend other = Backends.open(name, 2)) {
            Gpt2 model = ModelFolder.load(Golden.folder("odd"), other, WeightFormat.Q8);
            // the roundings of GoldenTest, twice, since both sides have their own
            Golden.assertClose("logits", doubles(logits(widened(model), TEXT)), doubles(logits(model, TEXT)), 4e-6);
        }
    }

    @Test
    void generatesTheSameAsItsForwardPasses() {
        Gpt2 model = ModelFolder.load(Golden.folder("odd"), backend, WeightFormat.Q8);
        int[] tokens = new Generator(model, 61, -1).generate(TEXT, Sampling.greedy(8), t -> true).tokens();
        int[] text = TEXT;
        for (int token : tokens) {
            float[] all = logits(model, text);
            int best = 0;
            for (int v = 0; v < 61; v++) {
                int last = (text.length - 1) * model.config().vocabSize();
                best = all[last + v] > all[last + best] ? v : best;
            }
            assertEquals(best, token);
            text = Arrays.copyOf(text, text.length + 1);
            text[text.length - 1] = token;
        }
    }

    @Test
    void keepsTheBytesThatAreForeseen() {
        Gpt2Config config = Gpt2Config.preset("gpt2");
        assertEquals(4 * config.parameterCount(), MemoryNeed.ofLoading(config, WeightFormat.F32));
        Gpt2Config small = ModelFolder.config(Golden.folder("odd"));
        Gpt2 model = ModelFolder.load(Golden.folder("odd"), backend, WeightFormat.Q8);
        long bytes = model.parameters().values().stream().mapToLong(p -> p.value().storage() instanceof Q8Storage q
                ? Q8Storage.bytes(q.rows, q.cols) : 4L * p.value().size()).sum();
        assertEquals(bytes, MemoryNeed.ofWeights(small, WeightFormat.Q8));
        // 9 bits instead of 32, and the positions
        assertEquals(0.29, (double) MemoryNeed.ofWeights(config, WeightFormat.Q8) / MemoryNeed.ofWeights(config), 0.01);
        // gpt2-xl: 1.8 GB, and 0.3 for the embedding while it is rounded
        assertTrue(MemoryNeed.ofLoading(Gpt2Config.preset("gpt2-xl"), WeightFormat.Q8) < 2_150_000_000L);
    }

    @Test
    void damagedWeightsAreNamed(@TempDir Path dir) {
        Gpt2 model = ModelFolder.load(Golden.folder("odd"), backend);
        Tensor up = model.parameters().get("blocks.1.mlp.up.weight").value();
        ((HeapStorage) up.storage()).set(5, Double.NaN);
        ModelFolder.save(model, dir);
        String message =
                assertThrows(UserError.class, () -> ModelFolder.load(dir, backend, WeightFormat.Q8)).getMessage();
        assertTrue(message.contains("h.1.mlp.c_fc.weight holds a NaN"), message);
    }

    @Test
    void aDeviceThatLacksItSaysSo() {
        Backend device =
                (Backend) Proxy.newProxyInstance(Backend.class.getClassLoader(), new Class<?>[] {Backend.class},
                        (_, _, _) -> "gpu");
        UserError e = assertThrows(UserError.class,
                () -> ModelFolder.load(Golden.folder("odd"), device, WeightFormat.Q8));
        assertEquals("backend 'gpu' computes with weights in f32 alone. Use backend vector for weights in q8",
                e.getMessage());
    }
}
