// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.format;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.gpt2.Golden;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.tensor.UserError;
import io.eslm.tensor.io.Safetensors;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import java.util.function.Consumer;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the readers make of blocks, of pickles, and of files that lie. */
class FormatsTest {
    private static final Path MODELS = Golden.folder("models");
    private static final Gpt2Config SHAPE = Gpt2Config.of(2, 2, 32, 16).with(Gpt2Config.VOCAB_SIZE, 280);

    /** The values that gguf's own Python code gives blocks of arbitrary bits; it computes in F32 too, in another order. */
    @Test
    void blocksHaveTheValuesOfGguf() throws IOException {
        MappedFile bytes = MappedFile.of(Path.of("quants.gguf"), Files.readAllBytes(MODELS.resolve("quants.gguf")));
        Map<String, TensorData> tensors = new GgufFile(bytes).tensors();
        try (Safetensors expected = Safetensors.open(MODELS.resolve("quants.safetensors"))) {
            assertEquals(tensors.keySet(), expected.names());
            tensors.forEach((name, data) -> {
                float[] all = expected.floats(name);
                float[] found = new float[all.length];
                data.read(0, found, found.length);
                float largest = 0;
                for (float v : all) {
                    largest = Math.max(largest, Math.abs(v));
                }
                assertArrayEquals(all, found, largest * 0x1p-23f, name); // a unit in the last place of the sum's terms
                float[] some = new float[100];
                data.read(37, some, 100);
                for (int i = 0; i < some.length; i++) {
                    assertEquals(found[37 + i], some[i], name + ": a piece is the same as the whole");
                }
            });
        }
    }

    // ---- PyTorch

    private static byte[] zip(Map<String, byte[]> parts, int method) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (ZipOutputStream zip = new ZipOutputStream(out)) {
            for (Map.Entry<String, byte[]> part : parts.entrySet()) {
                ZipEntry entry = new ZipEntry(part.getKey());
                CRC32 crc = new CRC32();
                crc.update(part.getValue());
                entry.setMethod(method);
                entry.setCrc(crc.getValue());
                entry.setSize(part.getValue().length);
                zip.putNextEntry(entry);
                zip.write(part.getValue());
            }
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
        return out.toByteArray();
    }

    /** What is said of a file with this pickle; {@code "…"} stands for a tensor of 2×2 in 16 bytes. */
    private static String torchError(String pickle, String... moreParts) {
        Map<String, byte[]> parts = new LinkedHashMap<>();
        parts.put("x/data.pkl", pickle.getBytes(StandardCharsets.ISO_8859_1));
        parts.put("x/data/0", new byte[16]);
        for (String name : moreParts) {
            parts.put(name, "big".getBytes(StandardCharsets.US_ASCII));
        }
        return torchError(zip(parts, ZipEntry.STORED));
    }

    private static String torchError(byte[] file) {
        return assertThrows(UserError.class, () -> TorchModel.of(MappedFile.of(Path.of("a.pt"), file), () -> SHAPE))
                .getMessage();
    }

    /** The pickle of {@code {"transformer.h.0.attn.c_attn.weight": tensor}}. */
    private static String tensor(String key, String type, int offset, String sizes, String strides) {
        return "(dV" + "transformer.h.0.attn.c_attn.weight\nctorch._utils\n_rebuild_tensor_v2\n((Vstorage\nctorch\n"
                + type
                + "\nV" + key + "\nVcpu\nI4\ntQI" + offset + "\n(" + sizes + "t(" + strides
                + "tI00\nccollections\nOrderedDict\n(tRtRs.";
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {"cos%system%(Vls%tR.|os.system", "(dVa%cposix%system%(Vls%tRs.|posix.system",
        "cbuiltins%eval%(V1%tR.|builtins.eval", "cargparse%Namespace%)\u0081.|argparse.Namespace",
        "ctorch.nn.modules.linear%Linear%)\u0081}b.|torch.nn.modules.linear.Linear",
        "\u008c\u0002os\u008c\u0006system\u0093.|os.system", "(Vls%ios%system%.|would load a class",
        "ctorch%load%(tR.|torch.load", "c__main__%GPTConfig%)\u0081.|__main__.GPTConfig",
        "ctorch%FloatStorage%(tR.|is inconsistent", "ccollections%OrderedDict%(K\u0001tR.|is inconsistent",
        "(Vx%tQ.|names memory in an unknown way", "ccollections%OrderedDict%K\u0001R.|is inconsistent",
        "]]b.|what is no dictionary"})
    void noClassIsLoadedAndNothingIsCalled(String pickle, String named) {
        String message = torchError(pickle.replace('%', '\n'));
        assertTrue(message.startsWith("a.pt: ") && message.contains(named), message);
    }

    @ParameterizedTest
    @CsvSource({"0, FloatStorage, 1, 'I2\nI2\n', 'I2\nI1\n', does not fit its memory of 16 bytes",
        "0, FloatStorage, 0, 'I2\nI2\n', 'I3\nI1\n', does not fit",
        "0, FloatStorage, 0, 'I9\nI9\n', 'I0\nI0\n', does not fit",
        "0, FloatStorage, 0, 'I2\nI2\n', 'I-2\nI1\n', does not fit",
        "0, FloatStorage, -1, 'I2\nI2\n', 'I2\nI1\n', does not fit",
        "0, FloatStorage, 0, 'I-2\nI-2\n', 'I2\nI1\n', does not fit",
        "0, FloatStorage, 0, 'I65536\nI65536\n', 'I0\nI0\n', does not fit",
        "0, FloatStorage, 0, 'I2\nI2\n', 'I9223372036854775807\nI9223372036854775807\n', does not fit",
        "0, DoubleStorage, 0, 'I2\nI2\n', 'I2\nI1\n', does not fit",
        "0, FloatStorage, 0, 'I2\n', 'I2\nI1\n', 1 dimensions and 2",
        "1, FloatStorage, 0, 'I2\nI2\n', 'I2\nI1\n', no part x/data/1",
        "../../etc/passwd, FloatStorage, 0, 'I2\nI2\n', 'I2\nI1\n', no part x/data/../../etc/passwd",
        "0, LongStorage, 0, 'I2\nI2\n', 'I2\nI1\n', holds no GPT-2",
        "0, FloatStorage, 0, 'I2\nVx\n', 'I2\nI1\n', does not fit",
        // lists of lists, each twice in the next: their text would have 2^30 parts
        "0, FloatStorage, 0, '(lp9\n(g9\ng9\nlp9\n(g9\ng9\nlp9\n(g9\ng9\nlp9\n', 'I1\nI1\nI1\nI1\n', of what are no numbers"})
    void tensorsStayInTheirMemory(String key, String type, int offset, String sizes, String strides, String says) {
        String message = torchError(tensor(key, type, offset, sizes, strides));
        assertTrue(message.startsWith("a.pt: ") && message.contains(says), message);
    }

    @Test
    void archivesThatAreNoneOfPyTorch() {
        String pickle = tensor("0", "FloatStorage", 0, "I1\nI1\n", "I1\nI1\n");
        assertTrue(torchError(pickle, "x/constants.pkl").contains("TorchScript"));
        assertTrue(torchError(pickle, "x/byteorder").contains("big-endian"));
        assertTrue(
                torchError(zip(Map.of("a.npy", new byte[4]), ZipEntry.STORED)).contains("none that torch.save wrote"));
        assertTrue(
                torchError(zip(Map.of("x/y/data.pkl", new byte[4]), ZipEntry.STORED)).contains("it has no data.pkl"));
        assertTrue(
                torchError(zip(Map.of("x/data.pkl", new byte[1 << 20]), ZipEntry.DEFLATED)).contains("is compressed"));
        assertTrue(torchError(new byte[10]).contains("has no end"));
    }

    /** Lists in lists, without end: they are read one by one, so nothing overflows. */
    @Test
    void depthNeedsNoStack() {
        assertTrue(torchError("]".repeat(200_000) + "a".repeat(199_999) + ".").contains("no dictionary"));
        assertTrue(torchError("}V" + "model_args\n" + "]".repeat(100_000) + "a".repeat(99_999) + "s.")
                .contains("no GPT-2"));
    }

    // ---- any damage

    @ParameterizedTest
    @ValueSource(strings = {"nano/ckpt.pt", "hf/pytorch_model.bin", "f16.gguf", "q8_0.gguf", "bf16.bin"})
    void anyDamageIsASentence(String name) throws IOException {
        byte[] good = Files.readAllBytes(MODELS.resolve(name));
        Consumer<MappedFile> reader = name.endsWith("gguf") ? file -> use(GgufModel.of(file))
                : name.equals("bf16.bin") ? file -> use(LlmcModel.of(file))
                : file -> use(TorchModel.of(file, () -> SHAPE));
        Random random = new Random(1);
        for (int i = 0; i < 300; i++) {
            byte[] bad = good.clone();
            if (i % 3 == 0) {
                bad = Arrays.copyOf(good, random.nextInt(good.length));
            } else {
                for (int changes = 1 + random.nextInt(3); changes > 0; changes--) {
                    int near = random.nextBoolean() ? random.nextInt(6000) : bad.length - 1 - random.nextInt(6000);
                    bad[near] = random.nextBoolean() ? (byte) random.nextInt() : (byte) 0xFF;
                }
            }
            try {
                reader.accept(MappedFile.of(Path.of("damaged"), bad));
            } catch (UserError e) {
                assertTrue(e.getMessage().startsWith("damaged: ") && e.getMessage().length() < 1000, e.getMessage());
            }
        }
    }

    private static void use(ForeignModel model) {
        float[] one = new float[1];
        for (String name : model.names()) {
            if (model.shape(name).size() > 0) {
                model.floats(name, model.shape(name).size() - 1, one, 1);
            }
        }
        model.tokenizer();
    }

    // ---- llm.c and GGUF

    @ParameterizedTest
    @CsvSource({"1, 2, in version 2", "1, 4, in version 4", "2, 0, block size 0: must be at least 1",
        "3, 400, smaller than its vocabulary", "4, 3, has 77568 bytes", "4, 2147483647, too large",
        "5, 3, must be a multiple",
        "6, 1000000, too large", "7, 256, smaller than its vocabulary", "7, 512, but a model"})
    void sizesThatLieAreFound(int field, int value, String says) throws IOException {
        byte[] bytes = Files.readAllBytes(MODELS.resolve("bf16.bin"));
        ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putInt(4 * field, value);
        String message = assertThrows(UserError.class, () -> LlmcModel.of(MappedFile.of(Path.of("m.bin"), bytes)))
                .getMessage();
        assertTrue(message.startsWith("m.bin: ") && message.contains(says), message);
    }

    /** A GGUF header, and what is said of it. */
    @Test
    void ggufFilesThatLie() {
        assertGguf(header(3, 1L << 60, 0), "would have 1152921504606846976 tensors");
        assertGguf(header(3, 0, -1), "would have 0 tensors and 18446744073709551615 values");
        assertGguf(header(1, 0, 0), "version 2 or 3");
        assertGguf(header(3 << 24, 0, 0), "big-endian");
        assertGguf(header(3, 0, 0), "architecture \"\"");
        assertGguf(text(header(3, 0, 1), "k").putInt(9).putInt(9).putLong(1), "is a list of 1 values of type 9");
        assertGguf(text(header(3, 0, 1), "k").putInt(9).putInt(8).putLong(1 << 20), "truncated", "list of 1048576");
        assertGguf(text(header(3, 0, 1), "k").putInt(8).putLong(1L << 50), "has a text of 1125899906842624 bytes");
        assertGguf(text(header(3, 0, 1), "k").putInt(77), "unknown type 77");
        assertGguf(text(text(header(3, 0, 1), "general.architecture").putInt(8), "llama"), "architecture \"llama\"");
        assertGguf(text(header(3, 1, 0), "t").putInt(5), "has 5 dimensions");
        assertGguf(text(header(3, 1, 0), "t").putInt(1).putLong(4).putInt(0).putLong(1L << 40), "would lie at");
        assertGguf(text(header(3, 1, 0), "t").putInt(1).putLong(1 << 30).putInt(0).putLong(0), "would lie at 0");
        assertGguf(text(header(3, 1, 0), "t").putInt(2).putLong(1 << 20).putLong(1 << 20).putInt(0).putLong(0),
                "more than 2^31 - 1");
        assertGguf(text(header(3, 1, 0), "t").putInt(1).putLong(31).putInt(8).putLong(0), "fill no blocks of Q8_0");
        assertGguf(text(header(3, 1, 0), "t").putInt(1).putLong(256).putInt(10).putLong(0), "the type Q2_K");
        assertGguf(text(header(3, 0, 1), "general.alignment").putInt(4).putInt(0), "general.alignment is 0");
    }

    private static ByteBuffer header(int version, long tensors, long values) {
        return ByteBuffer.allocate(200).order(ByteOrder.LITTLE_ENDIAN).putInt(GgufFile.MAGIC).putInt(version)
                .putLong(tensors).putLong(values);
    }

    private static ByteBuffer text(ByteBuffer out, String text) {
        return out.putLong(text.length()).put(text.getBytes(StandardCharsets.US_ASCII));
    }

    private static void assertGguf(ByteBuffer bytes, String... oneOf) {
        byte[] file = new byte[bytes.position()];
        bytes.flip().get(file);
        String message = assertThrows(UserError.class, () -> GgufModel.of(MappedFile.of(Path.of("g.gguf"), file)))
                .getMessage();
        assertTrue(message.startsWith("g.gguf: ") && Arrays.stream(oneOf).anyMatch(message::contains), message);
    }
}
