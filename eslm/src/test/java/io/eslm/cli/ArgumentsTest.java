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

    @Test
    void huggingFacesWordsMeanWhatTheyMeanHere() {
        assertArrayEquals(new String[] {"train", "--batch-size=8", "--max-iters=100", "--learning_rate", "5e-5",
            "--out-dir=out", "--log-interval=5", "--checkpoint-interval=50", "--keep-best=True", "--weight_decay=0.1"},
                expand("train", "--per_device_train_batch_size", "8", "--max-steps=100", "--learning_rate", "5e-5",
                        "--output_dir", "out", "--logging_steps=5", "--save_steps", "50", "--bf16", "False",
                        "--load_best_model_at_end", "--do_train", "--weight_decay=0.1", "--report_to=none"));
        assertArrayEquals(new String[] {"compare", "--grad-accum=2", "--methods", "clm"},
                expand("compare", "--gradient_accumulation_steps=2", "--methods", "clm"));
        assertArrayEquals(new String[] {"prepare", "--in=a.txt", "--out", "b"},
                expand("prepare", "--data", "a.txt", "--out", "b"));
        assertArrayEquals(new String[] {"eval", "--data=-"}, expand("eval", "--file", "-"));
        assertArrayEquals(new String[] {"sample", "--model=out", "--num_samples=2"},
                expand("sample", "--out_dir=out", "--init_from=resume", "--device=cpu", "--num_samples=2"));
    }

    /** What another program's word stands for is an option of the command. */
    @Test
    void everyNameIsAnOption() {
        for (String word : List.of("output_dir", "train_file", "model_name_or_path", "tokenizer_name", "max_steps",
                "lr",
                "per_device_train_batch_size", "warmup_steps", "adam_beta1", "adam_beta2", "max_grad_norm",
                "logging_steps", "eval_steps", "save_steps", "save_total_limit", "load_best_model_at_end")) {
            Program.Outcome o = Program.run("train", "--" + word + "=x", "--nothing");
            assertTrue(o.err().contains("unknown option or argument: --nothing"), word + ": " + o.err());
        }
    }

    @ParameterizedTest
    @CsvSource({"--num_train_epochs=3,--max-iters N", "--fp16,float32", "--bf16=True,float32",
        "--resume_from_checkpoint=True,--init-from resume", "--report_to=wandb,--tensorboard true",
        "--optim=adafactor,--optimizer muon"})
    void huggingFacesWordsThatMeanNothingHereSayWhatToDo(String word, String instead) {
        Program.Outcome o = Program.run("train", word);
        assertEquals(1, o.code(), o.err());
        assertTrue(o.err().contains("error: " + word.split("=")[0]) && o.err().contains(instead), o.err());
    }

    @ParameterizedTest
    @CsvSource({"train --max_itres 3,--max-iters", "train --tempr 3,''", "trian,train", "sample --temp 1,--temperature",
        "train --method cvar_loss,cvar-loss", "train --method cvar-loss:alfa=0.1,alpha", "train --model gpt-2,gpt2",
        "train --foo 1,''", "train --wandb-entity x,''"})
    void saysWhatMayHaveBeenMeant(String words, String meant) {
        Program.Outcome o = Program.run(words.split(" "));
        assertTrue(o.code() != 0, o.err());
        assertEquals(!meant.isEmpty(), o.err().contains("did you mean"), o.err());
        assertTrue(meant.isEmpty() || o.err().contains("did you mean " + meant + "?"), o.err());
    }

    @Test
    void aFileThatIsNotThereMayBeTheOneBesideIt() throws IOException {
        file("book.txt", "x");
        String missing = dir.resolve("bok.txt").toString();
        String hint = "did you mean " + dir.resolve("book.txt") + "?";
        for (String[] words : List.of(new String[] {"train", "--data", missing},
                new String[] {"tokenize", "--file", missing}, new String[] {"eval", "--data=x", "--model", missing},
                new String[] {"train", "--config", missing})) {
            String err = Program.run(words).err();
            assertTrue(err.contains(hint), err);
        }
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
