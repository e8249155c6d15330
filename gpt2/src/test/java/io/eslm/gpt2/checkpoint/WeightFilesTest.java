// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.eslm.gpt2.Golden;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.PretrainedNames;
import io.eslm.tensor.DType;
import io.eslm.tensor.Shape;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import io.eslm.tensor.io.FileTrees;
import io.eslm.tensor.io.Safetensors;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Model folders whose weights come in several files, with tensors to leave out, or with some missing. */
class WeightFilesTest {
    private static final String SHARDED = "silu-untied-sharded";
    private static final String SECOND = "model-00002-of-00003.safetensors";

    private final Backend backend = Backends.open("scalar", 1);

    @TempDir
    private Path dir;

    private Path copy(String variant) throws IOException {
        Path from = Golden.folder("variants/" + variant);
        for (String file : from.toFile().list()) {
            Files.copy(from.resolve(file), dir.resolve(file));
        }
        return dir;
    }

    private String error() {
        return assertThrows(UserError.class, () -> ModelFolder.load(dir, backend)).getMessage();
    }

    private static void assertContains(String message, String... parts) {
        for (String part : parts) {
            assertTrue(message.contains(part), message);
        }
    }

    private void edit(String file, Consumer<JsonObject> change) throws IOException {
        JsonObject json = JsonParser.parseString(Files.readString(dir.resolve(file))).getAsJsonObject();
        change.accept(json);
        Files.writeString(dir.resolve(file), json.toString());
    }

    /** Writes the weights of {@code variant} again, changed. */
    private void rewrite(String variant, Consumer<Map<String, Tensor>> change) throws IOException {
        copy(variant);
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        try (Safetensors file = Safetensors.open(dir.resolve("model.safetensors"))) {
            file.entries().forEach(e -> tensors.put(e.name(), file.tensor(e.name(), backend)));
        }
        change.accept(tensors);
        Safetensors.write(dir.resolve("model.safetensors"), tensors, Map.of());
    }

    // ---- several files

    @Test
    void aFileThatIsMissingIsNamed() throws IOException {
        copy(SHARDED);
        Files.delete(dir.resolve(SECOND));
        assertContains(error(), dir.resolve(SECOND) + ": no such file", "index.json");
        assertThrows(UserError.class, () -> ModelFolder.check(dir));
    }

    @Test
    void aFileThatLacksATensorIsNamed() throws IOException {
        copy(SHARDED);
        edit(WeightFiles.INDEX, json -> json.getAsJsonObject("weight_map").addProperty("lm_head.weight", SECOND));
        assertContains(error(), SECOND, "has no tensor lm_head.weight");
    }

    @Test
    void aTensorThatIsThereTwiceIsNamed() throws IOException {
        copy(SHARDED);
        Files.copy(dir.resolve(SECOND), dir.resolve("again.safetensors"));
        edit(WeightFiles.INDEX, json -> json.getAsJsonObject("weight_map").addProperty("transformer.ln_f.bias",
                "again.safetensors"));
        assertContains(error(), "has a tensor ", "and so has", SECOND);
    }

    @ParameterizedTest
    @ValueSource(strings = {"../other/model.safetensors", "/etc/passwd", "", "a\u0000b"})
    void onlyFilesBesideTheIndexAreOpened(String part) throws IOException {
        copy(SHARDED);
        edit(WeightFiles.INDEX, json -> json.getAsJsonObject("weight_map").addProperty("lm_head.weight", part));
        assertContains(error(), WeightFiles.INDEX, "of lm_head.weight must be the name of a file beside it");
    }

    @Test
    void anIndexWithoutAMap() throws IOException {
        copy(SHARDED);
        edit(WeightFiles.INDEX, json -> json.remove("weight_map"));
        assertContains(error(), WeightFiles.INDEX, "\"weight_map\" must map");
    }

    @Test
    void storedWeightsComeFromAllFiles() throws IOException {
        Gpt2 model = ModelFolder.load(copy(SHARDED), backend);
        try (StoredWeights stored = StoredWeights.open(dir)) {
            model.parameters().forEach((path, p) -> {
                float[] values = new float[p.value().size()];
                stored.read(PretrainedNames.of(path), 0, values, values.length);
                assertTrue(Tensor.of(backend, values, p.value().shape().dims()).sameAs(p.value()), path);
            });
            assertEquals(model.parameters().size(), stored.shapes().size());
            assertEquals("lm_head.weight", List.copyOf(stored.shapes().keySet()).getLast());
        }
    }

    // ---- types

    @Test
    void doublesAreRounded() throws IOException {
        rewrite("exact-gelu", all -> all.replaceAll((name, t) -> t.to(DType.F64)));
        Gpt2 model = ModelFolder.load(dir, backend);
        FileTrees.delete(dir);
        Files.createDirectories(dir);
        Gpt2 single = ModelFolder.load(copy("exact-gelu"), backend);
        model.parameters().forEach(
                (path, p) -> assertTrue(p.value().sameAs(single.parameters().get(path).value()), path));
    }

    /** Masks of old releases, the score of a classifier, a value head; of types that nothing else here reads. */
    @Test
    void whatGpt2DoesNotHaveIsLeftOut() throws IOException {
        copy("exact-gelu");
        Path file = dir.resolve("model.safetensors");
        byte[] bytes = Files.readAllBytes(file);
        ByteBuffer in = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        int length = (int) in.getLong();
        JsonObject header =
                JsonParser.parseString(new String(bytes, 8, length, StandardCharsets.UTF_8)).getAsJsonObject();
        int at = bytes.length - 8 - length;
        int end = at;
        for (String extra : List.of("transformer.h.0.attn.bias U8 4 4", "transformer.h.1.attn.bias BOOL 4 4",
                "transformer.h.1.attn.masked_bias F16 1 2", "h.2.attn.rope_cache I64 1 8", "score.weight BF16 6 12",
                "v_head.summary.weight F8_E8M0 3 3")) {
            String[] word = extra.split(" ");
            int size = Integer.parseInt(word[3]);
            header.add(word[0], JsonParser.parseString("{\"dtype\":\"" + word[1] + "\",\"shape\":[" + word[2]
                    + "],\"data_offsets\":[" + end + "," + (end + size) + "]}"));
            end += size;
        }
        byte[] text = header.toString().getBytes(StandardCharsets.UTF_8);
        Files.write(file, ByteBuffer.allocate(8 + text.length + end).order(ByteOrder.LITTLE_ENDIAN)
                .putLong(text.length).put(text).put(bytes, 8 + length, at).array());
        assertEquals(3 * 12 + 4, ModelFolder.load(dir, backend).parameters().size());
    }

    @Test
    void aWeightInsideABlockIsNotLeftOut() throws IOException {
        rewrite("exact-gelu",
                all -> all.put("transformer.h.0.attn.c_attn.lora_A", Tensor.zeros(backend, DType.F32, 2)));
        assertContains(error(), "h.0.attn.c_attn.lora_A", "does not have");
    }

    // ---- heads and biases

    @Test
    void aHeadOfItsOwnMustBeThere() throws IOException {
        copy("exact-gelu");
        edit("config.json", json -> json.addProperty("tie_word_embeddings", false));
        assertContains(error(), "has no tensor lm_head.weight", "tie_word_embeddings false");
    }

    /** Hugging Face finds zeros. */
    @Test
    void aModelWithoutBiasesIsWrittenWithZeros() throws IOException {
        Gpt2 model = ModelFolder.load(Golden.folder("variants/no-bias"), backend);
        ModelFolder.save(model, dir);
        try (Safetensors file = Safetensors.open(dir.resolve("model.safetensors"))) {
            assertEquals(3 * 12 + 4, file.entries().size());
            Safetensors.Entry up = file.entry("transformer.h.2.mlp.c_fc.bias");
            assertEquals(Shape.of(32), up.shape());
            assertTrue(file.tensor(up.name(), backend).sameAs(Tensor.zeros(backend, DType.F32, 32)));
        }
        try (StoredWeights stored = StoredWeights.open(dir)) {
            assertEquals(model.parameters().size(), stored.shapes().size());
        }
    }

    @Test
    void aModelWithoutBiasesNeedsNone() throws IOException {
        rewrite("no-bias", all -> all.keySet().removeIf(name -> name.endsWith("bias")));
        assertEquals(3 * 6 + 3, ModelFolder.load(dir, backend).parameters().size());
        edit("config.json", json -> json.remove("bias"));
        assertContains(error(), "has no tensor transformer.h.0.ln_1.bias", "add \"bias\": false to config.json");
    }

    @Test
    void biasesThatAreNotZeroAreNotDropped() throws IOException {
        copy("exact-gelu");
        edit("config.json", json -> json.addProperty("bias", false));
        assertContains(error(), ".bias is not zero, ", "config.json beside it says \"bias\": false");
    }
}
