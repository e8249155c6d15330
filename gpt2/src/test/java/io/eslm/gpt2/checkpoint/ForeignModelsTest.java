// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.checkpoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.autograd.Tape;
import io.eslm.gpt2.Golden;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.tensor.DType;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import io.eslm.tensor.backend.Workspace;
import io.eslm.tensor.io.Safetensors;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Models in files of other programs, which tools/golden/make_models.py has written. */
class ForeignModelsTest {
    private static final Path MODELS = Golden.folder("models");
    private final Backend backend = Backends.open("scalar", 1);

    @TempDir
    private Path dir;

    private double[] losses(Gpt2 model, int[] ids) {
        try (Tape tape = Tape.evaluation(new Workspace(model.backend()))) {
            int n = ids.length - 1;
            Tensor in = tape.put(Arrays.copyOf(ids, n), 1, n);
            Tensor targets = tape.put(Arrays.copyOfRange(ids, 1, n + 1), n);
            return model.losses(model.forward(tape, in), targets).loss().value().toDoubles();
        }
    }

    /** Both sides compute in double precision, from values that F32 holds exactly: the difference is the rounding of their sums. */
    @ParameterizedTest
    @CsvSource({"hf, hf", "hf/pytorch_model.bin, hf", "bf16.bin, bf16.bin", "f16.gguf, f16.gguf",
        "q8_0.gguf, q8_0.gguf",
        "nano, nano", "nano/ckpt.pt, nano"})
    void lossesAreThoseOfPyTorch(String file, String name) {
        try (Safetensors expected = Safetensors.open(MODELS.resolve("expected.safetensors"))) {
            Gpt2 model = ModelFolder.load(MODELS.resolve(file), backend, DType.F64);
            boolean nano = name.equals("nano");
            assertEquals(Gpt2Config.of(2, 2, 32, 16).with(Gpt2Config.VOCAB_SIZE, 280)
                    .with(Gpt2Config.DROPOUT, name.equals("hf") ? 0.1 : 0.0).with(Gpt2Config.BIAS, !nano)
                    .with(Gpt2Config.ACTIVATION, nano ? "gelu" : "gelu_new"), model.config());
            double[] actual = losses(model, expected.ints("ids"));
            double[] losses = expected.doubles(name);
            double[] tolerance = new double[losses.length];
            Arrays.fill(tolerance, 1e-12);
            Golden.assertClose(file, losses, actual, tolerance);
            assertEquals(model.config(), ModelFolder.check(MODELS.resolve(file)));
        }
    }

    /** All views, offsets and types of a PyTorch file: its weights are bit for bit those of the files written from them. */
    @Test
    void weightsAreWhereTheStridesSay() throws IOException {
        Path gguf = dir.resolve("f32.gguf");
        convert(MODELS.resolve("hf"), gguf, ModelFormat.ValueType.F16);
        assertSame(ModelFolder.load(MODELS.resolve("f16.gguf"), backend), ModelFolder.load(gguf, backend));
    }

    static void convert(Path in, Path out, ModelFormat.ValueType type) {
        try (Conversion conversion = Conversion.open(in)) {
            conversion.write(out, ModelFormat.of(out), type);
        }
    }

    static void assertSame(Gpt2 expected, Gpt2 actual) {
        Map<String, ?> all = actual.parameters();
        assertEquals(expected.parameters().keySet(), all.keySet());
        actual.parameters().forEach((path, p) -> assertArrayEquals(
                expected.parameters().get(path).value().toFloats(), p.value().toFloats(), path));
    }

    private String error(Path path) {
        return assertThrows(UserError.class, () -> ModelFolder.load(path, backend)).getMessage();
    }

    private static void assertContains(String message, String... parts) {
        for (String part : parts) {
            assertTrue(message.contains(part), message);
        }
    }

    private Path file(String name, String bytes) throws IOException {
        return Files.write(dir.resolve(name), bytes.getBytes(StandardCharsets.ISO_8859_1));
    }

    @Test
    void whatIsNoModelIsRefusedByWhatItIs() throws IOException {
        assertContains(error(file("a.pt", "\u0080\2\u008a\nl\u00fc\u009cF\u00f9 j\u00a8P\31.")), "a.pt",
                "before version 1.6", "torch.save(torch.load(OLD), NEW)");
        for (String name : new String[] {"pytorch_model.bin", "ckpt.pt", "x.gguf", "x.bin"}) {
            assertContains(error(file(name, "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n")),
                    name, "Git LFS pointer", "git lfs pull");
        }
        assertContains(error(file("x.bin", "text")), "no model that is known", "GGUF");
        assertContains(error(file("x.bin", "")), "no model that is known");
        assertContains(error(file("x.safetensors", "")), "Name a folder");
    }

    @Test
    void weightsAloneNeedTheirShape() throws IOException {
        Path file = dir.resolve("pytorch_model.bin");
        Files.copy(MODELS.resolve("hf/pytorch_model.bin"), file);
        assertContains(error(file), "pytorch_model.bin", "no config.json", "Copy it");
    }

    @Test
    void aFolderWithSeveralModelsIsRefused() throws IOException {
        Files.copy(MODELS.resolve("bf16.bin"), dir.resolve("model_1.bin"));
        assertEquals(280, ModelFolder.config(dir).vocabSize());
        Files.copy(MODELS.resolve("bf16.bin"), dir.resolve("model_2.bin"));
        assertContains(error(dir), "2 models: model_1.bin, model_2.bin", "Name one");
        Files.writeString(dir.resolve("pytorch_model.bin.index.json"), "{}");
        assertContains(error(dir), "split over several files", "save_pretrained");
    }

    /** A NaN in any kind of file is an error that names the tensor, whether it is loaded or converted. */
    @ParameterizedTest
    @ValueSource(strings = {"bf16.bin", "f16.gguf", "q8_0.gguf"})
    void aValueThatIsNoNumberIsRefused(String name) throws IOException {
        byte[] bytes = Files.readAllBytes(MODELS.resolve(name));
        for (int i = 4; i > 0; i--) {
            bytes[bytes.length - i] = (byte) 0xFF; // the last value, which all of these bits make a NaN, or the last two
        }
        Path file = Files.write(dir.resolve(name), bytes);
        assertContains(error(file), name, "transformer.ln_f.bias holds a NaN");
        String message =
                assertThrows(UserError.class, () -> convert(file, dir.resolve("out"), ModelFormat.ValueType.F32))
                        .getMessage();
        assertContains(message, name, "transformer.ln_f.bias holds a NaN");
        try (var left = Files.list(dir)) {
            assertEquals(1, left.count(), "nothing is left of a conversion that failed");
        }
    }
}
