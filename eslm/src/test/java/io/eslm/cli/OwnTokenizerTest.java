// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.eslm.gpt2.checkpoint.ModelFolder;
import io.eslm.gpt2.tokenizer.BpeTrainer;
import io.eslm.gpt2.tokenizer.Tokenizers;
import io.eslm.report.RunLog;
import io.eslm.tensor.io.Json;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Models and data with a vocabulary of their own, in all commands. */
class OwnTokenizerTest {
    private static final Path OWN = resource("own-vocabulary");
    private static final Path CHARACTERS = resource("char-level");
    private static final String[] SMALL = {"--n-layer", "1", "--n-head", "2", "--n-embd", "16", "--block-size", "16",
        "--batch-size", "2", "--max-iters", "2", "--eval-interval", "2", "--sample-interval", "2", "--warmup-iters",
        "1"};

    @TempDir
    private Path dir;

    private static Path resource(String name) {
        try {
            return Path.of(OwnTokenizerTest.class.getResource(name).toURI());
        } catch (URISyntaxException e) {
            throw new AssertionError(e);
        }
    }

    private static List<JsonObject> lines(Program.Outcome o) {
        return o.out().lines().map(line -> JsonParser.parseString(line).getAsJsonObject()).toList();
    }

    private String text() throws IOException {
        return Files.writeString(dir.resolve("text.txt"), "A river stone is smooth.\n".repeat(40)).toString();
    }

    /** Losses of transformers 5.18 on PyTorch 2.13, rounded to five digits. */
    @Test
    void aModelsOwnTokenizerSplitsTheText() {
        List<JsonObject> lines =
                lines(Program.run("score", "--model", OWN.toString(), "--text", "A river stone").ok());
        assertArrayEquals(new int[] {221, 265, 86, 257, 259, 293},
                lines.stream().mapToInt(l -> l.get("id").getAsInt()).toArray());
        double[] losses = {5.70998, 5.67102, 5.63548, 5.68440, 5.60382, 5.60741};
        assertArrayEquals(losses, lines.stream().mapToDouble(l -> l.get("loss").getAsDouble()).toArray(), 1e-5);
        assertEquals(" river stone", String.join("", lines.stream().map(l -> l.get("text").getAsString()).toList()));
        assertEquals("[33,221,265,86,257,259,293]", JsonParser.parseString(Program.run("tokenize", "--tokenizer",
                OWN.toString(), "--text", "A river stone", "--json").ok().out()).getAsJsonObject().get("ids")
                .toString());
    }

    @Test
    void aTrainedModelCarriesItOn() throws IOException {
        Path run = dir.resolve("run");
        Program.run("train", "--data", text(), "--init-from", OWN.toString(), "--out-dir", run.toString(),
                "--max-iters",
                "2", "--batch-size", "2", "--block-size", "16").ok();
        Path checkpoint = run.resolve("checkpoints/step-000002");
        assertArrayEquals(Files.readAllBytes(OWN.resolve("tokenizer.json")),
                Files.readAllBytes(checkpoint.resolve("tokenizer.json")));
        assertFalse(Files.exists(checkpoint.resolve("vocab.json")));
        assertEquals(0, Json.read(checkpoint.resolve("config.json")).required("eos_token_id", Integer.class));
        String sample = Program.run("sample", "--model", run.toString(), "--prompt", "A river", "--max-new-tokens", "5")
                .ok().out();
        assertTrue(sample.startsWith("A river"), sample);
        JsonObject eval =
                lines(Program.run("eval", "--model", run.toString(), "--data", text(), "--json").ok()).getFirst();
        double bytesPerToken = 1000.0 / ModelFolder.tokenizer(run).orElseThrow()
                .encode(Files.readString(Path.of(text()))).length;
        assertEquals(eval.get("loss").getAsDouble() / Math.log(2) / bytesPerToken,
                eval.get("bits_per_byte").getAsDouble(), 0.01, "the first token is not predicted");
    }

    @Test
    void charactersAreTrainedOnAndSampled() throws IOException {
        Path run = dir.resolve("run");
        String[] train = {"train", "--data", CHARACTERS.toString(), "--out-dir", run.toString()};
        Program.Outcome o = Program.run(join(train, SMALL)).ok();
        int ids = Tokenizers.open(CHARACTERS.toString()).vocabSize();
        assertEquals(ids, ModelFolder.config(run).vocabSize());
        assertTrue(o.err().contains("samples begin with nothing"), "there is no R in the data: " + o.err());
        String sample = Program.run("sample", "--model", run.toString(), "--max-new-tokens", "20").ok().out();
        assertEquals(21, sample.codePointCount(0, sample.length()), "a character each, and a line end");
        o = Program.run("sample", "--model", run.toString(), "--prompt", "\u4f60");
        assertEquals(1, o.code());
        assertTrue(o.err().contains("--prompt: the vocabulary of " + ids + " characters has no U+4F60"), o.err());
        JsonObject last = RunLog.read(run).getLast();
        assertEquals(last.get("val_loss").getAsDouble() / Math.log(2), last.get("val_bits_per_byte").getAsDouble(),
                1e-9, "a byte each");
        o = Program.run("eval", "--model", OWN.toString(), "--data", CHARACTERS.toString());
        assertEquals(1, o.code());
        assertTrue(o.err().contains("its tokens are of another tokenizer (" + ids + " characters)"), o.err());
        o = Program.run("eval", "--model", OWN.toString(), "--data", CHARACTERS.resolve("val.bin").toString());
        assertTrue(o.err().contains("its tokens are of another tokenizer"), o.err());
    }

    @Test
    void aTokenizerIsChosenForText() throws IOException {
        Path run = dir.resolve("run");
        Program.run(join(new String[] {"train", "--data", text(), "--tokenizer", "bytes", "--out-dir", run.toString()},
                SMALL)).ok();
        assertEquals(257, ModelFolder.config(run).vocabSize());
        assertTrue(Files.exists(run.resolve("checkpoints/step-000002/tokenizer.json")));
        Program.run("train", "--init-from", "resume", "--out-dir", run.toString(), "--max-iters", "4").ok();
        Program.Outcome o =
                Program.run("train", "--init-from", "resume", "--out-dir", run.toString(), "--max-iters", "6",
                        "--tokenizer", "gpt2");
        assertEquals(1, o.code());
        assertTrue(o.err().contains("--tokenizer gpt2: the model has a tokenizer of its own"), o.err());
        o = Program.run(join(new String[] {"train", "--data", text(), "--tokenizer", "bytes", "--vocab-size", "256",
            "--out-dir", dir.resolve("other").toString()}, SMALL));
        assertEquals(1, o.code());
        assertTrue(
                o.err().contains(
                        "a vocabulary of 256 ids (vocab_size) does not fit the tokenizer (byte-level BPE, 257"),
                o.err());
        Path padded = dir.resolve("padded");
        Program.run(join(new String[] {"train", "--data", text(), "--tokenizer", "bytes", "--vocab-size", "320",
            "--out-dir", padded.toString()}, SMALL)).ok();
        String sample = Program.run("sample", "--model", padded.toString(), "--temperature", "9", "--top-k", "0",
                "--max-new-tokens", "99", "--raw").ok().out();
        assertFalse(sample.isEmpty(), "no id from 257 on is drawn, which has no text");
    }

    @Test
    void textIsPreparedWithAnyTokenizer() throws IOException {
        Path out = dir.resolve("data");
        Program.run("prepare", "--in", text(), "--out", out.toString(), "--tokenizer", OWN.toString()).ok();
        assertEquals("A river stone is smooth.\n", Program.run("detokenize", "--tokenizer", out.toString(), "--ids",
                ids(out, "A river stone is smooth.\n").toString()).ok().out());
        Path run = dir.resolve("run");
        Program.run(join(new String[] {"train", "--data", out.toString(), "--out-dir", run.toString()}, SMALL)).ok();
        assertEquals(300, ModelFolder.config(run).vocabSize());
        Program.run("prepare", "--in", text(), "--out", out.toString()).ok();
        assertFalse(Files.exists(out.resolve("tokenizer.json")), "what is there now are GPT-2's tokens");
        assertTrue(
                Program.run("tokenize", "--tokenizer", out.toString(), "--text", "A").ok().err().contains("GPT-2's"));
    }

    /** What is held out, and the texts of special tokens, are not learned from. */
    @Test
    void aVocabularyIsLearned() throws IOException {
        StringBuilder lines = new StringBuilder();
        for (int i = 0; i < 300; i++) {
            lines.append("{\"text\": \"<|user|>A river stone number ").append(i).append(" is smooth.\"}\n");
        }
        Path in = Files.writeString(dir.resolve("docs.jsonl"), lines);
        Path out = dir.resolve("data");
        Program.Outcome o =
                Program.run("prepare", "--in", in.toString(), "--out", out.toString(), "--vocab-size", "300",
                        "--special", "<|user|>").ok();
        assertTrue(o.err().contains("learned 300 tokens from"), o.err());
        try (Stream<Path> files = Files.list(out)) {
            assertEquals(List.of("merges.txt", "meta.json", "tokenizer.json", "tokenizer_config.json", "train.bin",
                    "val.bin", "vocab.json"), files.map(f -> f.getFileName().toString()).sorted().toList());
        }
        List<String> train = Arrays.stream(detokenized(out).split("<\\|endoftext\\|>")).toList();
        assertTrue(train.size() > 200 && train.size() < 300, train.size() + " documents");
        BpeTrainer.Trained expected = BpeTrainer.train(train.stream().map(t -> t.replace("<|user|>", "")).toList(),
                BpeTrainer.Settings.of(300, "<|user|>"), BpeTrainer.Listener.SILENT);
        assertEquals(OptionalInt.empty(), Tokenizers.firstDifference(expected.vocabulary().tokenizer(),
                Tokenizers.open(out.toString())));
        o = Program.run("prepare", "--in", in.toString(), "--out", out.toString(), "--special", "<|user|>");
        assertTrue(o.err().contains("--special: only a vocabulary that is learned"), o.err());
        o = Program.run("prepare", "--in", in.toString(), "--out", out.toString(), "--vocab-size", "300", "--tokenizer",
                "gpt2");
        assertTrue(o.err().contains("give one of them"), o.err());
        Path run = dir.resolve("run");
        Program.run(join(new String[] {"train", "--data", out.toString(), "--out-dir", run.toString()}, SMALL)).ok();
        assertEquals(300, ModelFolder.config(run).vocabSize());
    }

    private String detokenized(Path data) throws IOException {
        short[] ids = new short[(int) Files.size(data.resolve("train.bin")) / 2];
        ByteBuffer.wrap(Files.readAllBytes(data.resolve("train.bin"))).order(ByteOrder.LITTLE_ENDIAN).asShortBuffer()
                .get(ids);
        StringBuilder text = new StringBuilder();
        for (short id : ids) {
            text.append(id).append(' ');
        }
        Path file = Files.writeString(dir.resolve("ids.txt"), text);
        return Program.run("detokenize", "--tokenizer", data.toString(), "--ids", file.toString()).ok().out();
    }

    private Path ids(Path tokenizer, String text) throws IOException {
        String json = Program.run("tokenize", "--tokenizer", tokenizer.toString(), "--text", text, "--json").ok().out();
        return Files.writeString(dir.resolve("ids.txt"),
                json.substring(json.indexOf('[') + 1, json.indexOf(']')).replace(',', ' '));
    }

    private static String[] join(String[] a, String[] b) {
        String[] all = Arrays.copyOf(a, a.length + b.length);
        System.arraycopy(b, 0, all, a.length, b.length);
        return all;
    }
}
