// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import java.util.Arrays;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonParser;
import io.eslm.tensor.DType;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** eval and score measure the same, and say so if the result is no number. */
class MeasureTest {
    @TempDir
    private static Path temp;
    private static Path model;

    @BeforeAll
    static void trainAModelThatSpeaks() throws IOException {
        model = temp.resolve("model");
        Program.run("train", "--data", Program.tokens(temp.resolve("data")).toString(), "--out-dir", model.toString(),
                "--n-layer=1", "--n-head=1", "--n-embd=8", "--block-size=8", "--batch-size=2", "--max-iters=1",
                "--eval-interval=0", "--sample-interval=0").ok();
    }

    private static List<Double> scores(Path text, String... more) {
        String[] command = new String[5 + more.length];
        System.arraycopy(new String[] {"score", "--model", model.toString(), "--file", text.toString()}, 0, command, 0,
                5);
        System.arraycopy(more, 0, command, 5, more.length);
        return Program.run(command).ok().out().lines()
                .map(line -> JsonParser.parseString(line).getAsJsonObject().get("loss").getAsDouble()).toList();
    }

    @Test
    void evalAndScoreGiveTheSameLossForTheSameText() throws IOException {
        Path text =
                Files.writeString(temp.resolve("two.txt"), "\uFEFFPaper stone.<|endoftext|>Copper paper stone slowly.");
        List<Double> losses = scores(text);
        var eval = JsonParser
                .parseString(Program.run("eval", "--model", model.toString(), "--data", text.toString(), "--json")
                        .ok().out())
                .getAsJsonObject();
        assertEquals(losses.size(), eval.get("predictions").getAsInt());
        // one rounds each loss to what a float prints, the other does not
        assertEquals(losses.stream().mapToDouble(d -> d).average().orElseThrow(), eval.get("loss").getAsDouble(), 1e-6);
        assertTrue(scores(text, "--no-special").size() > losses.size() + 3, "several tokens for one");
    }

    /** A text, a file, ids and a data source: the same words as elsewhere, the same loss. */
    @Test
    void evalTakesATextAFileAndIdsToo() throws IOException {
        String text = "Paper stone.<|endoftext|>Copper paper stone slowly.";
        Path file = Files.writeString(temp.resolve("three.txt"), text);
        String ids = Program.run("tokenize", "--tokenizer", model.toString(), "--text", text, "--json").ok().out();
        Path tokens = Files.writeString(temp.resolve("three.ids"), JsonParser.parseString(ids).getAsJsonObject()
                .getAsJsonArray("ids").toString().replaceAll("[\\[\\],]", " "));
        String[] base = {"eval", "--model", model.toString(), "--json"};
        double expected = loss(base, "--data", file.toString());
        for (String[] input : new String[][] {{"--text", text}, {"--file", file.toString()},
            {"--tokens", tokens.toString()}}) {
            assertEquals(expected, loss(base, input), input[0]);
        }
        Program.Outcome both = Program.run("eval", "--model", model.toString(), "--text", text, "--data", "jdk");
        assertTrue(both.code() == 2 || both.code() == 1, both.err());
        assertTrue(both.err().contains("give one of them"), both.err());
    }

    private static double loss(String[] base, String... more) {
        String[] command = Stream.concat(Arrays.stream(base), Arrays.stream(more)).toArray(String[]::new);
        return JsonParser.parseString(Program.run(command).ok().out()).getAsJsonObject().get("loss").getAsDouble();
    }

    @Test
    void theEndOfADocumentInAPromptIsOneToken() {
        String[] command = {"sample", "--model", model.toString(), "--prompt", "<|endoftext|>", "--max-new-tokens", "8",
            "--temperature", "0"};
        String asToken = Program.run(command).ok().out();
        assertEquals(
                Program.run("sample", "--model", model.toString(), "--max-new-tokens", "8", "--temperature", "0").ok()
                        .out(),
                asToken.substring("<|endoftext|>".length()), "as a prompt that is the beginning of a document");
    }

    /** In 8 bits the losses are others, but their mean moves little, and the three commands agree on what that is. */
    @Test
    void weightsInEightBitsMeasureNearlyTheSame() throws IOException {
        Path text = Files.writeString(temp.resolve("q8.txt"), "Copper paper stone slowly, and paper again.");
        List<Double> exact = scores(text);
        List<Double> rounded = scores(text, "--weights", "q8");
        double mean = rounded.stream().mapToDouble(d -> d).average().orElseThrow();
        assertNotEquals(exact, rounded);
        assertEquals(exact.stream().mapToDouble(d -> d).average().orElseThrow(), mean, 0.01, "a thousandth of ln V");
        var eval = JsonParser.parseString(Program.run("eval", "--model", model.toString(), "--data", text.toString(),
                "--json", "--weights", "q8").ok().out()).getAsJsonObject();
        assertEquals(mean, eval.get("loss").getAsDouble(), 1e-6);
        Program.run("sample", "--model", model.toString(), "--max-new-tokens", "4", "--weights", "q8").ok();
        String error = Program.run("sample", "--model", model.toString(), "--weights", "q4").err();
        assertTrue(error.contains("--weights") && error.contains("f32 or q8"), error);
    }

    /** Finite weights so large that what they compute is not. */
    @Test
    void aResultThatIsNoNumberIsNoSuccess() throws IOException {
        Path bad = Files.createDirectories(temp.resolve("bad"));
        Path good = model.resolve("checkpoints/step-000001");
        for (String file : List.of("config.json", "model.safetensors")) {
            Files.copy(good.resolve(file), bad.resolve(file));
        }
        byte[] bytes = Files.readAllBytes(bad.resolve("model.safetensors"));
        ByteBuffer data = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        for (int at = 8 + (int) data.getLong(0); at + DType.F32.bytes() <= bytes.length; at += DType.F32.bytes()) {
            data.putFloat(at, 3e38f);
        }
        Files.write(bad.resolve("model.safetensors"), bytes);
        Path text = Files.writeString(temp.resolve("words.txt"), "a few words of text");
        for (String[] command : new String[][] {{"score", "--model", bad.toString(), "--file", text.toString()},
            {"eval", "--model", bad.toString(), "--data", text.toString()},
            {"eval", "--model", bad.toString(), "--data", text.toString(), "--json"}}) {
            Program.Outcome o = Program.run(command);
            assertEquals(1, o.code(), o.out());
            assertTrue(o.err().lines().toList().getLast().matches("error: .*finite.*overflow.*"), o.err());
        }
    }
}
