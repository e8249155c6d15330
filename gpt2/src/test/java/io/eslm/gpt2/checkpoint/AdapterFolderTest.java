// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.checkpoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.autograd.Tape;
import io.eslm.autograd.Variable;
import io.eslm.autograd.op.HeadCrossEntropy;
import io.eslm.autograd.op.WeightedSum;
import io.eslm.gpt2.Golden;
import io.eslm.gpt2.Golden.Precision;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.LowRank;
import io.eslm.gpt2.PretrainedNames;
import io.eslm.gpt2.checkpoint.ModelFormat.ValueType;
import io.eslm.tensor.DType;
import io.eslm.tensor.Rng;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import io.eslm.tensor.backend.Workspace;
import io.eslm.tensor.io.Safetensors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Adapters that PEFT wrote, and ours that PEFT can read. */
class AdapterFolderTest {
    @TempDir
    private Path dir;

    static Stream<Arguments> cases() {
        return Stream.of("all", "some", "pattern")
                .flatMap(name -> Precision.usable().map(precision -> Arguments.of(name, precision)));
    }

    @BeforeEach
    void copy() throws IOException {
        for (String folder : new String[] {"base", "all"}) {
            Files.createDirectory(dir.resolve(folder));
            try (Stream<Path> files = Files.list(Golden.folder("adapters/" + folder))) {
                for (Path file : files.toList()) {
                    Files.copy(file, dir.resolve(folder).resolve(file.getFileName()));
                }
            }
        }
    }

    /** The tolerances are those of GPT-2 itself: an adapter adds two products to its paths. */
    @ParameterizedTest
    @MethodSource("cases")
    void lossesAndGradientsArePefts(String name, Precision precision) {
        try (Golden golden = new Golden("adapters/" + name, precision);
                Tape tape = Tape.recording(new Workspace(golden.model().backend()), Rng.of(0))) {
            Backend backend = golden.model().backend();
            Gpt2 model = AdapterFolder.open(Golden.folder("adapters/" + name)).model(backend, precision.type());
            Variable hidden = model.forward(tape, golden.ids());
            golden.assertClose("logits", model.logits(hidden).value(), precision.forward());
            Tensor targets = golden.targets();
            Variable each = tape.apply(new HeadCrossEntropy(targets, tape.memory(precision.type(), targets.size())),
                    hidden, model.head());
            golden.assertClose("token_loss", each.value(), precision.forward());
            Tensor weights = Tensor.full(backend, precision.type(), 1.0 / targets.size(), targets.size());
            tape.backward(tape.apply(new WeightedSum(null, weights), each));
            model.parameters().forEach((path, p) -> {
                assertEquals(LowRank.isAdapter(path), p.needsGradient(), path);
                if (p.needsGradient()) {
                    golden.assertClose("grad." + PretrainedNames.of(path), p.gradient(), precision.backward());
                }
            });
        }
    }

    /** A merged weight is rounded once for each rank and once for the sum, in float. */
    @ParameterizedTest
    @ValueSource(strings = {"all", "some", "pattern"})
    void mergedWeightsArePefts(String name) {
        try (Golden golden = new Golden("adapters/" + name, Precision.SCALAR);
                Tape tape = Tape.evaluation(golden.model().backend())) {
            golden.model().parameters().forEach((path, p) -> {
                if (path.startsWith("blocks.") && path.endsWith(".weight") && p.shape().rank() == 2) {
                    golden.assertClose("merged." + PretrainedNames.of(path), p.value(), 4 * Math.scalb(1.0, -24));
                }
            });
            golden.assertClose("logits", golden.model().logits(golden.model().forward(tape, golden.ids())).value(),
                    Precision.SCALAR.forward());
        }
    }

    private static void assertSame(Gpt2 a, Gpt2 b) {
        a.parameters().forEach((path, p) -> assertTrue(p.value().sameAs(b.parameters().get(path).value()), path));
    }

    @Test
    void comesBackAsItWas() throws IOException {
        try (Backend backend = Backends.open("scalar", 1)) {
            Gpt2 model = AdapterFolder.open(dir.resolve("all")).model(backend, DType.F32);
            ModelFolder.save(model, dir.resolve("ours"));
            assertFalse(Files.exists(dir.resolve("ours/model.safetensors")));
            assertSame(model, AdapterFolder.open(dir.resolve("ours")).model(backend, DType.F32));
            try (Safetensors peft = Safetensors.open(dir.resolve("all/adapter_model.safetensors"));
                    Safetensors ours = Safetensors.open(dir.resolve("ours/adapter_model.safetensors"))) {
                assertEquals(peft.names().stream().sorted().toList(), ours.names().stream().sorted().toList());
                peft.names().forEach(n -> assertArrayEquals(peft.floats(n), ours.floats(n), n));
            }
            Gpt2 merged = ModelFolder.load(dir.resolve("ours"), backend);
            assertSame(merged, ModelFolder.load(dir.resolve("all"), backend));
            try (Conversion conversion = Conversion.open(dir.resolve("ours"))) {
                conversion.write(dir.resolve("whole"), ModelFormat.HF, ValueType.F32);
            }
            assertFalse(Files.exists(dir.resolve("whole/adapter_config.json")));
            assertSame(merged, ModelFolder.load(dir.resolve("whole"), backend));
        }
    }

    private String refused(String folder) {
        try (Backend backend = Backends.open("scalar", 1)) {
            return assertThrows(UserError.class, () -> ModelFolder.load(dir.resolve(folder), backend)).getMessage();
        }
    }

    private void change(String file, String from, String to) throws IOException {
        Path path = dir.resolve(file);
        String text = Files.readString(path);
        assertTrue(text.contains(from), from);
        Files.writeString(path, text.replace(from, to));
    }

    @Test
    void saysWhatIsMissing() throws IOException {
        change("all/adapter_config.json", "../base", "someone/gpt2-large");
        String message = refused("all");
        assertTrue(message.contains("belong to the model \"someone/gpt2-large\", which is not there"), message);
        change("all/adapter_config.json", "someone/gpt2-large", "../all");
        assertTrue(refused("all").contains("holds adapters itself"), refused("all"));
        change("all/adapter_config.json", "../all", "../base");
        Files.delete(dir.resolve("all/adapter_model.safetensors"));
        assertTrue(
                refused("all").endsWith("has adapter_config.json but no adapter_model.safetensors. Copy it there too"),
                refused("all"));
    }

    @Test
    void knowsTheModelThatWasAdapted() throws IOException {
        try (Backend backend = Backends.open("scalar", 1)) {
            LowRank.Base base = AdapterFolder.baseAt(dir.resolve("base"));
            LowRank adapters = AdapterFolder.open(dir.resolve("all")).model(backend, DType.F32).lowRank().orElseThrow();
            Gpt2 model = ModelFolder.load(dir.resolve("base"), backend);
            Gpt2 adapted = new Gpt2(model.config(), backend, adapters.of(base)
                    .on((path, _) -> model.parameters().get(path).value(), LowRank.initial(backend, Rng.of(1))));
            ModelFolder.save(adapted, dir.resolve("ours"));
            assertSame(model, ModelFolder.load(dir.resolve("ours"), backend));
            model.head().value().kernels().fill(model.head().value().storage(), 1, 0.5);
            ModelFolder.save(model, dir.resolve("base"));
        }
        assertTrue(refused("ours").contains("base: the base model has changed since the adapters in "),
                refused("ours"));
    }

    @Test
    void refusesWhatItDoesNotCompute() throws IOException {
        change("all/adapter_config.json", "\"use_dora\": false", "\"use_dora\": true");
        assertTrue(refused("all").contains("use_dora is \"true\", but only \"false\" can be read"), refused("all"));
        change("all/adapter_config.json", "\"use_dora\": true", "\"use_dora\": false");
        change("all/adapter_config.json", "\"rank_pattern\": {}", "\"rank_pattern\": {\"c_attn\": 4}");
        assertTrue(refused("all").contains("\"rank_pattern\" is {\"c_attn\":4}"), refused("all"));
        change("all/adapter_config.json", "\"rank_pattern\": {\"c_attn\": 4}", "\"rank_pattern\": {}");
        change("all/adapter_config.json", "\"init_lora_weights\": true", "\"init_lora_weights\": \"pissa_niter_4\"");
        assertTrue(refused("all").contains("\"init_lora_weights\" is \"pissa_niter_4\", which changes the model's own"),
                refused("all"));
        change("all/adapter_config.json", "\"init_lora_weights\": \"pissa_niter_4\"", "\"init_lora_weights\": \"eva\"");
        change("all/adapter_config.json", "\"layer_replication\": null", "\"layer_replication\": [[0, 1], [0, 1]]");
        assertTrue(refused("all").contains("\"layer_replication\" is [[0,1],[0,1]]"), refused("all"));
        change("all/adapter_config.json", "\"layer_replication\": [[0, 1], [0, 1]]", "\"layer_replication\": null");
        change("all/adapter_config.json", "\"r\": 3", "\"r\": 4");
        assertTrue(refused("all").contains("has shape (3, 8), but adapter_config.json beside it"), refused("all"));
        change("all/adapter_config.json", "\"r\": 4", "\"r\": 3");
        change("all/adapter_config.json", "\"c_fc\"", "\"c_attn\"");
        assertTrue(refused("all").contains("beside it names no such layer"), refused("all"));
    }
}
