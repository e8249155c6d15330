// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.tensor.UserError;
import java.io.IOException;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Argument files, words of a shell, and nanoGPT's options. */
class ArgumentsTest {
    @TempDir
    private Path dir;

    private static String[] expand(String... words) {
        return Arguments.expand(Main.commandLine(new Output(new StringWriter()), new Output(new StringWriter()), false),
                words);
    }

    private Path file(String name, String text) throws IOException {
        return Files.writeString(dir.resolve(name), text);
    }

    @Test
    void aFileOfOptionsStandsForItsWords() throws IOException {
        Path inner = file("inner", "--seed 3 # the seed\n");
        Path outer =
                file("outer", "# a run\n--data 'my books/a#b.txt' --out-dir=\"x \\\"y\\\"\" @" + inner + "\n@@plain");
        assertArrayEquals(
                new String[] {"train", "--data", "my books/a#b.txt", "--out-dir=x \"y\"", "--seed", "3", "@plain"},
                expand("train", "@" + outer));
        assertArrayEquals(new String[] {"train", "--seed", "3", "--seed", "3"},
                expand("train", "@" + inner, "@" + inner),
                "twice is no loop");
    }

    @Test
    void whatAnOptionTakesIsNoFile() {
        for (String[] words : List.of(new String[] {"sample", "--prompt", "@x", "--top-k", "3"},
                new String[] {"sample", "--start=@x"}, new String[] {"train", "--sample_prompt", "@x"})) {
            assertArrayEquals(words, expand(words));
        }
    }

    @Test
    void aFileThatCannotBeReadStartsNothing() throws IOException {
        Path self = file("self", "--seed 1 @" + dir.resolve("self"));
        file("a", "@" + dir.resolve("b"));
        file("b", "@" + dir.resolve("a"));
        for (Path bad : List.of(self, dir.resolve("a"), dir.resolve("missing"), dir, file("open", "--data 'x"),
                file("nul", "@a\0b"),
                file("huge", "x".repeat(2_000_000)))) {
            Program.Outcome o = Program.run("train", "@" + bad);
            assertEquals(1, o.code(), o.err());
            assertTrue(o.err().startsWith("error: @") && o.err().lines().count() == 1, o.err());
        }
        assertTrue(Program.run("train", "@" + dir.resolve("a")).err().contains("reads itself"), "a → b → a");
    }

    @ParameterizedTest
    @ValueSource(strings = {"plain-word_1.txt", "", "two words", "it's", "$HOME `x` \"y\" \\ *", "#no",
        "-x", "~"})
    void aQuotedWordIsReadAsItWas(String word) throws IOException, InterruptedException {
        assertEquals(List.of(word, "end"), ShellWords.split(ShellWords.quote(word) + " end"));
        Process shell = new ProcessBuilder("sh", "-c", "printf %s " + ShellWords.quote(word)).start();
        assertEquals(word, new String(shell.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8));
        assertEquals(0, shell.waitFor());
    }

    @Test
    void nanoGptsWordsMeanWhatTheyMeanHere() {
        assertArrayEquals(new String[] {"train", "--grad-accum=2", "--bias=True", "--max-iters", "5", "--seed=1"},
                expand("train", "--gradient_accumulation_steps", "2", "--device", "cpu", "--dtype=float32", "--compile",
                        "False",
                        "--bias=True", "--always_save_checkpoint", "--wandb_log=False", "--max-iters", "5",
                        "--decay_lr=True",
                        "--eval_only=False", "--seed=1"));
    }

    @ParameterizedTest
    @CsvSource({"--eval_only,eslm eval", "--wandb_log=True,metrics.jsonl", "--device=cuda,--backend NAME",
        "--dtype=bfloat16,float32", "--decay_lr=False,--min-lr",
        "--dataset=x,--data data/NAME",
        "--init_from=gpt2,nothing is downloaded", "--always_save_checkpoint=False,--checkpoint-interval"})
    void nanoGptsWordsThatMeanNothingHereSayWhatToDo(String word, String instead) {
        Program.Outcome o = Program.run("train", word, "--data", dir.resolve("none").toString());
        assertEquals(1, o.code(), o.err());
        assertTrue(o.err().contains("error: " + word.replace('=', ' ').replace("init_from", "init-from").split(" ")[0])
                && o.err().contains(instead), o.err());
    }

    @Test
    void promptsComeFromFilesToo() throws IOException {
        Path prompt = file("prompt.txt", "The river stone\n");
        assertEquals("The river stone\n", Texts.prompt("FILE:" + prompt));
        assertEquals("@x", Texts.prompt("@x"));
        String message = assertThrows(UserError.class, () -> Texts.prompt("FILE:" + dir)).getMessage();
        assertTrue(message.contains("it is a folder"), message);
    }
}
