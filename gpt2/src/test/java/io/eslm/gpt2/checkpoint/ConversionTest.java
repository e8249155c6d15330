// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.checkpoint;

import static io.eslm.gpt2.checkpoint.ForeignModelsTest.assertSame;
import static io.eslm.gpt2.checkpoint.ForeignModelsTest.convert;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import io.eslm.gpt2.Golden;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.PretrainedNames;
import io.eslm.gpt2.Weights;
import io.eslm.gpt2.checkpoint.ModelFormat.ValueType;
import io.eslm.gpt2.tokenizer.Tokenizer;
import io.eslm.gpt2.tokenizer.Tokenizers;
import io.eslm.tensor.DType;
import io.eslm.tensor.Rng;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import io.eslm.tensor.io.Json;
import io.eslm.tensor.io.Safetensors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ConversionTest {
    private static final Path MODELS = Golden.folder("models");
    private final Backend backend = Backends.open("scalar", 1);
    private final Gpt2 original = ModelFolder.load(MODELS.resolve("hf"), backend);

    @TempDir
    private Path dir;

    /** F32 keeps every bit, whatever the file. */
    @ParameterizedTest
    @ValueSource(strings = {"folder", "model.bin", "model.gguf"})
    void thereAndBackIsTheSame(String name) throws IOException {
        convert(MODELS.resolve("hf"), dir.resolve(name), ValueType.F32);
        assertSame(original, ModelFolder.load(dir.resolve(name), backend));
        convert(dir.resolve(name), dir.resolve("back"), ValueType.F32);
        convert(MODELS.resolve("hf"), dir.resolve("direct"), ValueType.F32);
        assertArrayEquals(Files.readAllBytes(dir.resolve("direct/model.safetensors")),
                Files.readAllBytes(dir.resolve("back/model.safetensors")));
        ModelFolder.save(original, dir.resolve("saved"));
        assertArrayEquals(Files.readAllBytes(dir.resolve("saved/model.safetensors")),
                Files.readAllBytes(dir.resolve("back/model.safetensors")));
    }

    /** The golden files were written by other programs' own rounding: llm.c's layout by PyTorch, Q8_0 and F16 by gguf. */
    @ParameterizedTest
    @CsvSource({"bf16.bin, BF16", "f16.gguf, F16", "q8_0.gguf, Q8_0"})
    void valuesAreRoundedAsOthersDo(String name, ValueType type) {
        convert(MODELS.resolve("hf"), dir.resolve(name), type);
        assertSame(ModelFolder.load(MODELS.resolve(name), backend), ModelFolder.load(dir.resolve(name), backend));
    }

    @Test
    void llmcFilesAreByteForByteThoseOfPyTorch() throws IOException, NoSuchAlgorithmException {
        convert(MODELS.resolve("hf"), dir.resolve("bf16.bin"), ValueType.BF16);
        assertArrayEquals(Files.readAllBytes(MODELS.resolve("bf16.bin")), Files.readAllBytes(dir.resolve("bf16.bin")));
        convert(MODELS.resolve("hf"), dir.resolve("f32.bin"), ValueType.F32);
        try (Safetensors expected = Safetensors.open(MODELS.resolve("expected.safetensors"))) {
            assertEquals(expected.metadata().get("f32.bin"),
                    HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256")
                            .digest(Files.readAllBytes(dir.resolve("f32.bin")))));
        }
    }

    /** BF16 keeps 8 bits of a value, F16 11; Q8_0 rounds to 1/127 of a block's largest value, whose scale is an F16. */
    @ParameterizedTest
    @CsvSource({"folder, F16, 4.9e-4", "folder, BF16, 3.91e-3", "model.bin, BF16, 3.91e-3", "model.gguf, F16, 4.9e-4",
        "model.gguf, Q8_0, 4.5e-3"})
    void narrowTypesLoseWhatTheySay(String name, ValueType type, double most) {
        convert(MODELS.resolve("hf"), dir.resolve(name), type);
        Gpt2 back = ModelFolder.load(dir.resolve(name), backend);
        original.parameters().forEach((path, p) -> {
            float[] before = p.value().toFloats();
            float[] after = back.parameters().get(path).value().toFloats();
            float largest = 0;
            for (float v : before) {
                largest = Math.max(largest, Math.abs(v));
            }
            for (int i = 0; i < before.length; i++) {
                double of = type == ValueType.Q8_0 ? largest : Math.max(Math.abs(before[i]), 0x1p-14);
                assertEquals(before[i], after[i], most * of, path);
            }
        });
    }

    @Test
    void theTokenizerGoesWithTheModel() throws IOException {
        convert(MODELS.resolve("hf"), dir.resolve("model.gguf"), ValueType.Q8_0);
        convert(dir.resolve("model.gguf"), dir.resolve("back"), ValueType.F16);
        convert(MODELS.resolve("q8_0.gguf"), dir.resolve("theirs"), ValueType.F32);
        Tokenizer before = Tokenizers.open(MODELS.resolve("hf").toString());
        String text = "The loss of a token, <|endoftext|> \u00fcber 12 caf\u00e9s\n";
        for (String folder : new String[] {"back", "theirs"}) {
            Tokenizer after = Tokenizers.open(dir.resolve(folder).toString());
            assertArrayEquals(before.encodeWithSpecials(text), after.encodeWithSpecials(text));
            assertEquals(before.endOfText(), after.endOfText());
        }
        JsonObject config = Json.read(dir.resolve("back/config.json")).object();
        assertEquals("float16", config.get("dtype").getAsString());
    }

    /** Other activations, widths, heads and biases go where the format has words for them, and are refused elsewhere. */
    @ParameterizedTest
    @CsvSource({"exact-gelu, true, true", "no-bias, true, true", "quick-gelu-narrow, false, false",
        "relu-epsilon, false, false", "silu-untied-sharded, false, false", "inverse-layer, false, false"})
    void variantsOfGpt2(String name, boolean gguf, boolean llmc) {
        Path in = Golden.folder("variants/" + name);
        Gpt2 model = ModelFolder.load(in, backend);
        convert(in, dir.resolve("folder"), ValueType.F32);
        Gpt2 back = ModelFolder.load(dir.resolve("folder"), backend);
        assertEquals(model.config(), back.config());
        assertSame(model, back);
        if (gguf) {
            convert(in, dir.resolve("m.gguf"), ValueType.F32);
            back = ModelFolder.load(dir.resolve("m.gguf"), backend);
            assertEquals(model.config().with(Gpt2Config.DROPOUT, 0.0), back.config().with(Gpt2Config.DROPOUT, 0.0));
            assertSame(model, back);
        } else {
            assertTrue(error(in, "m.gguf", ValueType.F32).startsWith("llama.cpp cannot compute this model: its "));
        }
        if (llmc) {
            convert(in, dir.resolve("m.bin"), ValueType.F32);
        } else {
            assertTrue(error(in, "m.bin", ValueType.F32).startsWith("llm.c cannot compute this model: its "));
        }
    }

    /** An untied head and another inner width are no trouble for llama.cpp. */
    @Test
    void untiedHeadsAndNarrowMlpsGoToGguf() {
        Gpt2Config config = Gpt2Config.of(2, 2, 32, 8).with(Gpt2Config.VOCAB_SIZE, 40).with(Gpt2Config.N_INNER, 64)
                .with(Gpt2Config.TIE_WORD_EMBEDDINGS, false).with(Gpt2Config.LAYER_NORM_EPS, 1e-6);
        Gpt2 model = new Gpt2(config, backend, Weights.random(config, backend, Rng.of(1)));
        ModelFolder.save(model, dir.resolve("folder"));
        convert(dir.resolve("folder"), dir.resolve("m.gguf"), ValueType.F32);
        Gpt2 back = ModelFolder.load(dir.resolve("m.gguf"), backend);
        assertEquals(config, back.config());
        assertSame(model, back);
        convert(dir.resolve("folder"), dir.resolve("q.gguf"), ValueType.Q8_0);
        assertEquals(config, ModelFolder.config(dir.resolve("q.gguf")));
    }

    @Test
    void whatTheProgramComputesDifferentlyIsSaid() {
        try (Conversion conversion = Conversion.open(MODELS.resolve("nano"))) {
            assertTrue(conversion.source().startsWith("nanoGPT checkpoint "), conversion.source());
            conversion.write(dir.resolve("m.gguf"), ModelFormat.GGUF, ValueType.F32);
            String notes = conversion.notes().toString();
            assertTrue(notes.contains("tanh form") && notes.contains("no biases") && notes.contains("no tokenizer"),
                    notes);
        }
        assertSame(ModelFolder.load(MODELS.resolve("nano"), backend),
                ModelFolder.load(dir.resolve("m.gguf"), backend));
    }

    @Test
    void aHeadThatIsNotTheEmbeddingIsNotLeftOut() throws IOException {
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        original.parameters().forEach((path, p) -> tensors.put(PretrainedNames.of(path), p.value()));
        tensors.put("lm_head.weight", Tensor.zeros(backend, DType.F32, 280, 32));
        Files.createDirectory(dir.resolve("odd"));
        ModelFolder.save(original, dir.resolve("odd"));
        Safetensors.write(dir.resolve("odd/model.safetensors"), tensors, Map.of());
        String message = error(dir.resolve("odd"), "x.gguf", ValueType.F32);
        assertTrue(message.contains("lm_head.weight differs from the token embedding"), message);
    }

    private String error(Path in, String out, ValueType type) {
        return assertThrows(UserError.class, () -> convert(in, dir.resolve(out), type)).getMessage();
    }

    @Test
    void nothingIsReplaced() throws IOException {
        Files.writeString(dir.resolve("there.gguf"), "mine");
        Files.writeString(Files.createDirectory(dir.resolve("full")).resolve("x"), "mine");
        Files.createDirectory(dir.resolve("empty"));
        assertTrue(error(MODELS.resolve("hf"), "there.gguf", ValueType.F32).contains("exists already"));
        assertTrue(error(MODELS.resolve("hf"), "full", ValueType.F32).contains("exists already"));
        convert(MODELS.resolve("hf"), dir.resolve("empty"), ValueType.F32);
        assertSame(original, ModelFolder.load(dir.resolve("empty"), backend));
    }

    @ParameterizedTest
    @CsvSource({"model.bin, F16, choose f32 or bf16", "model.gguf, BF16, 'choose f32, f16 or q8_0'",
        "folder, Q8_0, 'choose f32, f16 or bf16'"})
    void whatAFormatCannotHoldIsSaid(String out, ValueType type, String advice) throws IOException {
        String message = error(MODELS.resolve("hf"), out, type);
        assertTrue(message.contains(advice), message);
        try (var left = Files.list(dir)) {
            assertEquals(0, left.count());
        }
    }

    @Test
    void aValueTooLargeForHalvesIsNamed() {
        backend.write(original.parameters().get("blocks.1.mlp.up.bias").value().storage(), new float[] {1, 7e4f}, 0, 2);
        ModelFolder.save(original, dir.resolve("large"));
        String message = error(dir.resolve("large"), "half", ValueType.F16);
        assertTrue(message.contains("transformer.h.1.mlp.c_fc.bias holds 70000.0, which F16 cannot hold"), message);
    }

    @Test
    void anIncompleteModelIsRefused() throws IOException {
        Files.createDirectory(dir.resolve("part"));
        ModelFolder.save(original, dir.resolve("part"));
        JsonObject config = Json.read(dir.resolve("part/config.json")).object();
        config.addProperty("n_layer", 3);
        Files.writeString(dir.resolve("part/config.json"), config.toString());
        assertTrue(error(dir.resolve("part"), "x", ValueType.F32).contains("no tensor transformer.h.2.ln_1.weight"));
        config.addProperty("n_layer", 1);
        Files.writeString(dir.resolve("part/config.json"), config.toString());
        assertTrue(error(dir.resolve("part"), "x", ValueType.F32).contains("contains a tensor transformer.h.1"));
    }
}
