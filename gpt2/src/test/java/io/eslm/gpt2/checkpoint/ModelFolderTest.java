// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.checkpoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import io.eslm.gpt2.tokenizer.ByteTokenizer;
import io.eslm.gpt2.tokenizer.CharTokenizer;
import io.eslm.gpt2.tokenizer.Gpt2Tokenizer;
import io.eslm.tensor.io.Json;
import java.util.Optional;
import java.util.OptionalInt;
import io.eslm.gpt2.tokenizer.Tokenizer;
import io.eslm.gpt2.tokenizer.Tokenizers;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import io.eslm.gpt2.Golden;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.PretrainedNames;
import io.eslm.gpt2.Weights;
import io.eslm.tensor.DType;
import io.eslm.tensor.Rng;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import io.eslm.tensor.io.Safetensors;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ModelFolderTest {
    private final Backend backend = Backends.open("scalar", 1);
    private final Gpt2 even = ModelFolder.load(Golden.folder("even"), backend);

    @TempDir
    private Path dir;

    private Path write(Map<String, Tensor> tensors) throws IOException {
        Files.createDirectories(dir);
        Files.copy(Golden.folder("even").resolve("config.json"), dir.resolve("config.json"));
        Safetensors.write(dir.resolve("model.safetensors"), tensors, Map.of());
        return dir;
    }

    /** The tensors of the golden model under their names in files. */
    private Map<String, Tensor> tensors() {
        Map<String, Tensor> all = new LinkedHashMap<>();
        even.parameters().forEach((path, p) -> all.put(PretrainedNames.of(path), p.value()));
        return all;
    }

    private static void assertSame(Gpt2 expected, Gpt2 actual) {
        assertEquals(expected.config(), actual.config());
        actual.parameters()
                .forEach((path, p) -> assertTrue(p.value().sameAs(expected.parameters().get(path).value()), path));
    }

    private String error(Path folder) {
        return assertThrows(UserError.class, () -> ModelFolder.load(folder, backend)).getMessage();
    }

    private static void assertContains(String message, String... parts) {
        for (String part : parts) {
            assertTrue(message.contains(part), message);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"even", "odd", "curve"})
    void savedModelsComeBackBitForBit(String name) throws IOException {
        Gpt2 model = ModelFolder.load(Golden.folder(name), backend);
        ModelFolder.save(model, dir.resolve("new/folder"));
        assertSame(model, ModelFolder.load(dir.resolve("new/folder"), backend));
        try (Safetensors file = Safetensors.open(dir.resolve("new/folder/model.safetensors"))) {
            assertEquals(12 * model.config().nLayer() + 4, file.entries().size());
            assertTrue(file.entries().stream().allMatch(e -> e.name().startsWith("transformer.")));
        }
    }

    /** The fixture is Hugging Face's own files; we omit ids beyond the vocabulary. */
    @ParameterizedTest
    @ValueSource(strings = {"config.json", "generation_config.json"})
    void jsonFilesAreHuggingFaces(String name) throws IOException {
        ModelFolder.save(even, dir);
        JsonObject theirs =
                JsonParser.parseString(Files.readString(Golden.folder("even").resolve(name))).getAsJsonObject();
        for (String field : List.of("bos_token_id", "eos_token_id")) {
            if (name.equals("config.json")) {
                theirs.add(field, JsonNull.INSTANCE);
            } else {
                theirs.remove(field);
            }
        }
        JsonObject ours = JsonParser.parseString(Files.readString(dir.resolve(name))).getAsJsonObject();
        assertEquals(theirs, ours);
        assertEquals(List.copyOf(theirs.keySet()), List.copyOf(ours.keySet()));
    }

    @Test
    void doublePrecisionHoldsTheSameNumbers() {
        Gpt2 twice = ModelFolder.load(Golden.folder("even"), backend, DType.F64);
        twice.parameters()
                .forEach((path, p) -> assertTrue(p.value().sameAs(even.parameters().get(path).value().to(DType.F64))));
    }

    @Test
    void gpt2sVocabularyIsWritten() {
        Gpt2Config config =
                Gpt2Config.of(1, 1, 2, 4).with(Gpt2Config.DROPOUT, 0.25).with(Gpt2Config.LAYER_NORM_EPS, 1e-6);
        Gpt2 model = new Gpt2(config, backend, Weights.random(config, backend, Rng.of(1)));
        ModelFolder.save(model, new Gpt2Tokenizer(), dir);
        assertTrue(Files.exists(dir.resolve("vocab.json")) && Files.exists(dir.resolve("merges.txt")));
        assertEquals(config, ModelFolder.config(dir));
        assertEquals(50256, Json.read(dir.resolve("config.json")).required("eos_token_id", Integer.class));
        assertInstanceOf(Gpt2Tokenizer.class, ModelFolder.tokenizer(dir).orElseThrow());
    }

    /** Each kind of tokenizer comes back from the folder of its model, and no other one stays there. */
    @Test
    void aModelCarriesItsTokenizer() {
        String text = "a river\u00e9 \0 stone<|endoftext|>";
        Tokenizer characters = new CharTokenizer(text.codePoints().distinct().mapToObj(Character::toString)
                .toArray(String[]::new));
        for (Tokenizer tokenizer : List.of(new Gpt2Tokenizer(), new ByteTokenizer(), characters)) {
            Gpt2Config config =
                    Gpt2Config.of(1, 1, 2, 4).with(Gpt2Config.VOCAB_SIZE, (tokenizer.vocabSize() + 63) / 64 * 64);
            Gpt2 model = new Gpt2(config, backend, Weights.random(config, backend, Rng.of(1)));
            ModelFolder.save(model, tokenizer, dir);
            Tokenizer read = ModelFolder.tokenizer(dir).orElseThrow();
            assertArrayEquals(tokenizer.encodeWithSpecials(text), read.encodeWithSpecials(text));
            assertArrayEquals(tokenizer.encode(text), read.encode(text));
            assertEquals(text, read.decode(read.encodeWithSpecials(text)));
            assertEquals(tokenizer.endOfText(), read.endOfText());
            assertEquals(OptionalInt.empty(), Tokenizers.firstDifference(tokenizer, read));
            Json json = Json.read(dir.resolve("config.json"));
            assertEquals(tokenizer.endOfText().isPresent(), json.has("eos_token_id"));
        }
    }

    @Test
    void aTokenizerOfAnotherSizeIsRefused() {
        Gpt2Config config = Gpt2Config.of(1, 1, 2, 4).with(Gpt2Config.VOCAB_SIZE, 200);
        Gpt2 model = new Gpt2(config, backend, Weights.random(config, backend, Rng.of(1)));
        String said =
                assertThrows(UserError.class, () -> ModelFolder.save(model, new ByteTokenizer(), dir)).getMessage();
        assertTrue(said
                .contains("a vocabulary of 200 ids (vocab_size) does not fit the tokenizer (bytes, 257 tokens), whose "
                        + "ids end at 256"),
                said);
        ModelFolder.save(model, dir);
        assertEquals(Optional.empty(), ModelFolder.tokenizer(dir));
        Tokenizers.write(new ByteTokenizer(), dir);
        said = assertThrows(UserError.class, () -> ModelFolder.tokenizer(dir)).getMessage();
        assertTrue(said.startsWith(dir + ": a vocabulary of 200 ids"), said);
    }

    @Test
    void filesWithoutPrefixWithMasksAndWithATiedHead() throws IOException {
        Map<String, Tensor> all = new LinkedHashMap<>();
        tensors().forEach((name, t) -> all.put(name.substring("transformer.".length()), t));
        all.put("h.0.attn.bias", Tensor.zeros(backend, DType.F32, 1, 1, 16, 16));
        all.put("h.1.attn.masked_bias", Tensor.zeros(backend, DType.F32));
        all.put("lm_head.weight", even.head().value());
        assertSame(even, ModelFolder.load(write(all), backend));
    }

    @Test
    void anotherHeadIsRefused() throws IOException {
        Map<String, Tensor> all = tensors();
        Tensor head = even.head().value().to(backend);
        float[] values = head.toFloats();
        values[values.length - 1] += 1e-6f;
        all.put("lm_head.weight", Tensor.of(backend, values, head.shape().dims()));
        assertContains(error(write(all)), "model.safetensors", "lm_head.weight", "tie_word_embeddings false");
    }

    @ParameterizedTest
    @CsvSource({"F16, 1.0, 0.5", "BF16, -3.0, 0.0078125"})
    void halfPrecisionIsRead(String type, float first, float second) throws IOException {
        Map<String, byte[]> data = new LinkedHashMap<>();
        even.parameters().forEach((path, p) -> {
            ByteBuffer bytes = ByteBuffer.allocate(2 * p.value().size()).order(ByteOrder.LITTLE_ENDIAN);
            for (int i = 0; i < p.value().size(); i++) {
                float v = i == 0 ? first : second;
                bytes.putShort(type.equals("F16") ? Float.floatToFloat16(v) : (short) (Float.floatToIntBits(v) >>> 16));
            }
            data.put(PretrainedNames.of(path), bytes.array());
        });
        Files.copy(Golden.folder("even").resolve("config.json"), dir.resolve("config.json"));
        raw(dir.resolve("model.safetensors"), type, data);
        ModelFolder.load(dir, backend).parameters().forEach((path, p) -> {
            float[] values = p.value().toFloats();
            assertEquals(first, values[0]);
            assertEquals(second, values[values.length - 1]);
        });
    }

    /** A safetensors file of a type that we do not write; shapes are the golden model's. */
    private void raw(Path file, String type, Map<String, byte[]> data) throws IOException {
        StringBuilder header = new StringBuilder("{");
        ByteArrayOutputStream body = new ByteArrayOutputStream();
        Map<String, Tensor> shapes = tensors();
        data.forEach((name, bytes) -> {
            header.append(header.length() == 1 ? "" : ",")
                    .append("\"%s\":{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":[%d,%d]}"
                            .formatted(name, type, Arrays.toString(shapes.get(name).shape().dims()), body.size(),
                                    body.size() + bytes.length));
            body.writeBytes(bytes);
        });
        byte[] text = header.append("}").toString().getBytes(StandardCharsets.UTF_8);
        ByteBuffer all = ByteBuffer.allocate(8 + text.length + body.size()).order(ByteOrder.LITTLE_ENDIAN);
        Files.write(file, all.putLong(text.length).put(text).put(body.toByteArray()).array());
    }

    @Test
    void missingTensor() throws IOException {
        Map<String, Tensor> all = tensors();
        all.remove("transformer.h.1.mlp.c_fc.bias");
        assertContains(error(write(all)), "model.safetensors", "no tensor transformer.h.1.mlp.c_fc.bias", "2 blocks");
    }

    @Test
    void unknownTensor() throws IOException {
        Map<String, Tensor> all = tensors();
        all.put("transformer.h.2.ln_1.weight", Tensor.zeros(backend, DType.F32, 32));
        assertContains(error(write(all)), "transformer.h.2.ln_1.weight", "2 blocks", "config.json");
    }

    @Test
    void wrongShape() throws IOException {
        Map<String, Tensor> all = tensors();
        all.put("transformer.wte.weight", Tensor.zeros(backend, DType.F32, 98, 32));
        assertContains(error(write(all)), "transformer.wte.weight", "(98, 32)", "(97, 32)", "config.json");
    }

    @ParameterizedTest
    @CsvSource("other, Copy it there")
    void noWeights(String beside, String advice) throws IOException {
        Files.copy(Golden.folder("even").resolve("config.json"), dir.resolve("config.json"));
        Files.createFile(dir.resolve(beside));
        assertContains(error(dir), dir.toString(), "model.safetensors", advice);
    }

    @Test
    void whatIsNoModelFolder() throws IOException {
        assertContains(error(dir), dir.toString(), "config.json", "model.safetensors", "checkpoints/");
        assertContains(error(dir.resolve("absent")), "absent", "no such folder");
        Path file = Files.createFile(dir.resolve("file"));
        assertContains(error(file), "no model that is known");
        Files.createDirectory(dir.resolve("checkpoints"));
        assertContains(error(dir), "no complete checkpoint");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "activation_function|\"mish\"|activation_function is \"mish\", which is not computed; known are gelu, gelu_accurate, ",
        "activation_function|1|expected", "add_cross_attention|true|add_cross_attention is true",
        "n_inner|0|n inner 0: must be",
        "n_inner|2147483647|is too large", "n_inner|1.5|\"n_inner\" is 1.5, expected a whole number",
        "scale_attn_weights|\"no\"|expected true or false", "bias|0|expected true or false",
        "model_type|\"gptj\"|model_type is \"gptj\"",
        "n_head|3|n embd 32: must be a multiple of n head 3; try 33", "n_embd|0|n embd 0: must be at least 1",
        "n_layer|1.5|\"n_layer\" is 1.5, expected a whole number", "n_layer|\"two\"|expected a whole number",
        "vocab_size|null|has no \"vocab_size\"", "resid_pdrop|1.0|dropout 1.0: must be",
        "layer_norm_epsilon|0|layer norm eps 0.0: must be",
        "tie_word_embeddings|1|expected true or false", "n_layer|[2]|whole number"})
    void configurationsThatAreNotSupported(String field, String value, String message) throws IOException {
        JsonObject config = goldenConfig();
        config.add(field, JsonParser.parseString(value));
        Files.writeString(dir.resolve("config.json"), config.toString());
        assertContains(assertThrows(UserError.class, () -> ModelFolder.config(dir)).getMessage(),
                dir + "/config.json: ", message);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "{", "[]", "{\"n_embd\": 32", "null", "\u0000"})
    void damagedConfiguration(String text) throws IOException {
        Files.writeString(dir.resolve("config.json"), text);
        assertContains(error(dir), "config.json", "is not valid JSON");
    }

    @Test
    void olderFilesAreRead() throws IOException {
        JsonObject config = goldenConfig();
        config.add("n_ctx", config.remove("n_positions"));
        config.add("torch_dtype", config.remove("dtype"));
        for (String field : List.of("n_inner", "scale_attn_weights", "reorder_and_upcast_attn", "tie_word_embeddings",
                "model_type", "add_cross_attention", "scale_attn_by_inverse_layer_idx", "layer_norm_epsilon")) {
            config.remove(field);
        }
        config.add("activation_function", new JsonPrimitive("gelu_pytorch_tanh"));
        config.addProperty("reorder_and_upcast_attn", true); // the same in single precision
        config.add("task_specific_params", new JsonObject());
        Files.writeString(dir.resolve("config.json"), config.toString());
        assertEquals(even.config(), ModelFolder.config(dir));
    }

    @Test
    void aModelThatIsTooLargeIsRefusedBeforeItIsRead() throws IOException {
        JsonObject config = goldenConfig();
        config.addProperty("n_embd", 1 << 14);
        config.addProperty("n_layer", 500);
        Files.writeString(dir.resolve("config.json"), config.toString());
        Files.writeString(dir.resolve("model.safetensors"), "not read");
        assertContains(error(dir), "GB of memory", "-Xmx");
    }

    @Test
    void shapesThatOverflowAreRefused() throws IOException {
        for (String field : List.of("n_embd", "n_layer", "n_positions", "vocab_size")) {
            JsonObject config = goldenConfig();
            config.addProperty("n_head", 1);
            config.addProperty(field, Integer.MAX_VALUE);
            Files.writeString(dir.resolve("config.json"), config.toString());
            assertContains(error(dir), "config.json", "is too large: a weight can have 2^31 - 1 values");
        }
    }

    /** Some programs save the tied weight under the head's name alone. */
    @Test
    void theTiedWeightMayHaveTheNameOfTheHead() throws IOException {
        ModelFolder.save(even, dir);
        Map<String, Tensor> tensors = new HashMap<>();
        even.parameters().forEach((path, p) -> tensors.put(PretrainedNames.of(path), p.value()));
        tensors.put("lm_head.weight", tensors.remove("transformer.wte.weight"));
        Safetensors.write(dir.resolve("model.safetensors"), tensors, Map.of());
        assertSame(even, ModelFolder.load(dir, backend));
    }

    private static JsonObject goldenConfig() throws IOException {
        return JsonParser.parseString(Files.readString(Golden.folder("even").resolve("config.json"))).getAsJsonObject();
    }
}
