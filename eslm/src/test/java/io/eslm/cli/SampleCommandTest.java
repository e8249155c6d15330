// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.eslm.gpt2.generate.StopText;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SampleCommandTest {
    private static final int LENGTH = 12;
    @TempDir
    private static Path temp;
    private static Path model;

    @BeforeAll
    static void train() throws IOException {
        Path text = Files.writeString(temp.resolve("t.txt"), "one two three four five.\n".repeat(200));
        model = temp.resolve("model");
        Program.run("train", "--data", text.toString(), "--tokenizer", "bytes", "--out-dir", model.toString(),
                "--n-layer=1", "--n-head=1", "--n-embd=16", "--block-size=16", "--batch-size=4", "--max-iters=30",
                "--learning-rate=1e-2", "--eval-interval=0", "--sample-interval=0", "--threads=1").ok();
    }

    private static Program.Outcome sample(String... more) {
        List<String> all = new ArrayList<>(
                List.of("sample", "--model", model.toString(), "--threads", "1", "--max-new-tokens", "" + LENGTH));
        all.addAll(List.of(more));
        return Program.run(all.toArray(String[]::new));
    }

    private static List<JsonObject> json(String... more) {
        List<String> all = new ArrayList<>(List.of(more));
        all.add("--json");
        return sample(all.toArray(String[]::new)).ok().out().lines().map(l -> JsonParser.parseString(l)
                .getAsJsonObject()).toList();
    }

    private static String text(JsonObject o) {
        return o.get("text").getAsString();
    }

    @Test
    void aLineOfJsonForEachText() {
        List<JsonObject> lines = json("--prompt", "@one", "--start", "two", "--num-samples", "2");
        assertEquals(List.of("@one", "@one", "two", "two"),
                lines.stream().map(o -> o.get("prompt").getAsString()).toList());
        assertEquals(List.of("prompt", "text", "tokens", "tokens_per_second", "end"),
                List.copyOf(lines.getFirst().keySet()));
        assertEquals(LENGTH, lines.getFirst().get("tokens").getAsInt());
        assertTrue(lines.getFirst().get("tokens_per_second").getAsDouble() > 0);
        assertEquals("length", lines.getFirst().get("end").getAsString());
        assertEquals("two" + text(lines.get(2)) + "\n", sample("--prompt", "two", "--raw").ok().out(),
                "the same as alone");
    }

    /** More than run at once, of different lengths, with a stop string. */
    @Test
    void manyTextsAreThoseOfEachAlone() throws IOException {
        List<String> prompts =
                IntStream.range(0, 40).mapToObj(i -> "a b".substring(0, i % 4) + (char) ('a' + i % 26)).toList();
        Path file = Files.write(temp.resolve("many.txt"), prompts);
        String stop = text(json("--prompt", prompts.get(3)).getFirst()).substring(2, 4);
        List<JsonObject> all = json("--prompts", file.toString(), "--stop", stop);
        assertEquals(prompts, all.stream().map(o -> o.get("prompt").getAsString()).toList());
        for (int i = 0; i < prompts.size(); i += 3) {
            JsonObject alone = json("--prompt", prompts.get(i), "--stop", stop).getFirst();
            assertEquals(text(alone), text(all.get(i)), prompts.get(i));
            assertEquals(alone.get("end"), all.get(i).get("end"));
        }
        assertEquals("stop string", all.get(3).get("end").getAsString());
        Program.Outcome o = sample("--prompts", file.toString()).ok();
        assertTrue(o.err().contains("40 texts, " + 40 * LENGTH + " tokens in "), o.err());
    }

    @Test
    void aTextEndsBeforeAStopString() {
        String whole = text(json("--prompt", "one ").getFirst());
        String stop = whole.substring(4, 7);
        JsonObject cut = json("--prompt", "one ", "--stop", "never there", "--stop", stop).getFirst();
        assertEquals(whole.substring(0, whole.indexOf(stop)), text(cut));
        assertEquals("stop string", cut.get("end").getAsString());
        assertEquals("one " + text(cut) + "\n", sample("--prompt", "one ", "--stop", stop, "--raw").ok().out());
        assertEquals(1, sample("--stop", "").code());
    }

    /** Wherever the tokens end. */
    @ParameterizedTest
    @CsvSource({"abcabd,abd,abc", "aaab,aab,a", "abc,x,abc", "User: hi,User:,''", "ab,abc,ab", "xabcx,bc|abcx,xa"})
    void stopStringsGoAcrossTokens(String text, String stops, String expected) {
        for (int size = 1; size <= text.length(); size++) {
            StringBuilder out = new StringBuilder();
            StopText stop = new StopText(List.of(stops.split("\\|")), out::append);
            boolean more = true;
            for (int i = 0; more && i < text.length(); i += size) {
                more = stop.add(text.substring(i, Math.min(text.length(), i + size)));
            }
            if (more) {
                stop.end();
            }
            assertEquals(expected, out.toString(), "parts of " + size);
        }
    }

    @Test
    void whatCannotBeginAStopStringIsNotHeldBack() {
        StringBuilder out = new StringBuilder();
        StopText stop = new StopText(List.of("\nUser:"), out::append);
        stop.add("Hello\nUs");
        assertEquals("Hello", out.toString());
        stop.add("ually");
        assertEquals("Hello\nUsually", out.toString());
    }

    @Test
    void promptsComeFromAFile() throws IOException {
        Path plain = Files.writeString(temp.resolve("p.txt"), "{one\n\n@two  \n");
        assertEquals(List.of("{one", "@two  "), Prompts.read(plain));
        Path json = Files.writeString(temp.resolve("p.json"), "{\"prompt\":\"a\\nb\"}\n{\"prompt\":\"\",\"id\":3}\n");
        assertEquals(List.of("a\nb", ""), Prompts.read(json));
        assertEquals(2, json("--prompts", json.toString()).size());
        Path bad = Files.writeString(temp.resolve("bad.jsonl"), "{\"prompt\":\"a\"}\n{\"text\":\"b\"}\n");
        Program.Outcome o = sample("--prompts", bad.toString());
        assertEquals(1, o.code());
        assertTrue(o.err().contains("bad.jsonl: line 2 is not a JSON object with a text named \"prompt\""), o.err());
        assertTrue(sample("--prompts", Files.writeString(temp.resolve("e"), "\n").toString()).err()
                .contains("holds no prompt"));
    }

    @Test
    void aFullContextSlidesAndSaysSoOnce() {
        Program.Outcome o = sample("--prompt", "one two three", "--max-new-tokens", "60", "--num-samples", "2").ok();
        assertEquals(1, o.err().lines().filter(l -> l.contains("longer than the model's context of 16 tokens")).count(),
                o.err());
        assertTrue(!sample("--prompt", "one", "--max-new-tokens", "3").ok().err().contains("context"));
    }

    @Test
    void aTextIsWrittenInTurn() {
        InputStream before = System.in;
        try {
            System.setIn(new ByteArrayInputStream("one \n\n two\n/quit\nnever".getBytes(StandardCharsets.UTF_8)));
            List<String> turns = sample("--interactive", "--raw", "--temperature", "0").ok().out().lines().toList();
            String first = text(json("--prompt", "one ", "--temperature", "0").getFirst());
            String joined = String.join("\n", turns);
            assertTrue(joined.startsWith(first), "[" + first + "] begins " + turns);
            String second = text(json("--prompt", "one " + first, "--temperature", "0").getFirst());
            assertTrue(joined.startsWith(first + "\n" + second), "an empty line goes on: " + turns);
            String third =
                    text(json("--prompt", "one " + first + second + "\n two", "--temperature", "0").getFirst());
            assertEquals(first + "\n" + second + "\n" + third, joined);
        } finally {
            System.setIn(before);
        }
        Program.Outcome o = sample("--interactive", "--json");
        assertEquals(1, o.code());
        assertTrue(o.err().contains("Omit --json"), o.err());
    }
}
