// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.report.RunLog;
import java.io.IOException;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ConfigFileTest {
    @TempDir
    Path dir;

    private String file(String text) throws IOException {
        return Files.writeString(dir.resolve("c.toml"), text).toString();
    }

    private static String[] expand(String... words) {
        return Arguments.expand(
                Main.commandLine(new Output(new StringWriter()), new Output(new StringWriter()), false), words);
    }

    @Test
    void settingsAreOptionsAndTheCommandLineCountsMore() throws IOException {
        String file = file("""
                # a run
                data = ["a=x.txt:1", "b=y.txt"]
                max-iters = 1_000
                learning_rate = 3e-4
                gradient_accumulation_steps = 2
                compile = false
                tensorboard = true
                sample_prompt = "@a b"
                """);
        assertArrayEquals(new String[] {"train", "--data=a=x.txt:1", "--data=b=y.txt", "--max-iters=1000",
            "--learning_rate=3.0E-4", "--grad-accum=2", "--tensorboard=true", "--sample_prompt=@a b"},
                expand("train", "--config", file));
        assertArrayEquals(
                new String[] {"train", "--sample_prompt=@a b", "--tensorboard", "--max_iters", "5", "--data=z",
                    "--learning-rate", "1", "--grad-accum=4"},
                expand("train", "--tensorboard", "--max_iters", "5", "--config=" + file, "--data=z", "--learning-rate",
                        "1", "--gradient_accumulation_steps=4"));
        assertArrayEquals(new String[] {"compare", "--methods=clm", "--methods=random:alpha=0.1", "--seeds", "2"},
                expand("compare", "--config", file("methods = ['clm', 'random:alpha=0.1']\nseeds = 1"), "--seeds",
                        "2"));
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "seed = 1\nmax_itres = 3 | line 2: unknown setting max_itres; did you mean max_iters?",
        "zzzz = 3 | line 1: unknown setting zzzz",
        "config = 'x' | line 1: unknown setting config",
        "seed = 1\nseed = 2 | line 2: seed previously defined",
        "data = book.txt | line 1: Unexpected 'b'",
        "[model]\nn_layer = 2 | line 1: model is a table",
        "seed = 2001-01-01 | line 1: seed is a date",
        "seed = [1, 2] | line 1: seed takes one value",
        "wandb_log = true | line 1: --wandb_log true: ",
        "max_iters = 0.5 | --max-iters 0.5: must be a whole number"})
    void saysInWhichLineSomethingIsWrong(String textAndMessage) throws IOException {
        String text = textAndMessage.substring(0, textAndMessage.indexOf(" | "));
        String message = textAndMessage.substring(text.length() + 3);
        Program.Outcome o = Program.run("train", "--config", file(text));
        assertEquals(1, o.code(), o.err());
        assertTrue(o.err().contains(message) && o.err().contains("error: --"), o.err());
        assertTrue(o.err().contains("c.toml") || message.startsWith("--"), o.err());
    }

    @Test
    void aFileThatCannotBeReadSaysSo() {
        Program.Outcome o = Program.run("train", "--config", dir.resolve("none.toml").toString());
        assertEquals(1, o.code());
        assertTrue(o.err().contains("none.toml: no such file or folder"), o.err());
    }

    @Test
    void whatIsSavedRepeatsTheRun() throws IOException {
        Path data = Program.tokens(dir.resolve("data"));
        String saved = dir.resolve("saved.toml").toString();
        Program.train(data, dir.resolve("a"), "--max-iters", "4", "--method", "cvar-loss", "--alpha", "0.3",
                "--learning-rate", "1e-2", "--eval-interval", "2", "--sample-prompt", "say \"hi\"\n", "--save-config",
                saved).ok();
        String text = Files.readString(Path.of(saved));
        for (String line : List.of("max_iters = 4", "learning_rate = 0.01", "# min_lr = 0.001", "seed = 1337",
                "sample_prompt = \"say \\\"hi\\\"\\n\"", "n_layer = 2", "threads = 1")) {
            assertTrue(text.contains("\n" + line + "\n"), line + " in\n" + text);
        }
        Program.run("train", "--config", saved, "--out-dir", dir.resolve("b").toString()).ok();
        assertEquals(losses("a"), losses("b"));
        Program.Outcome o = Program.run("train", "--init-from", "resume", "--out-dir", dir.resolve("a").toString(),
                "--max-iters", "6", "--save-config", saved);
        assertEquals(1, o.code());
        assertTrue(o.err().contains("--save-config: is for a new run"), o.err());
    }

    private List<String> losses(String run) {
        return RunLog.read(dir.resolve(run)).stream().map(o -> o.get("loss") + " " + o.get("val_loss")).toList();
    }

    @Test
    void aComparisonIsSavedToo() throws IOException {
        Path data = Program.tokens(dir.resolve("data"));
        String saved = dir.resolve("saved.toml").toString();
        Program.run("compare", "--data", data.toString(), "--method", "random:alpha=0.5", "--method", "cvar-loss",
                "--seeds=1", "--n-layer=1", "--n-head=1", "--n-embd=8", "--block-size=8", "--vocab-size=64",
                "--batch-size=2", "--max-iters=2", "--eval-interval=2", "--eval-iters=1", "--threads=1", "--out-dir",
                dir.resolve("c").toString(), "--save-config", saved).ok();
        assertTrue(Files.readString(Path.of(saved)).contains("methods = [\"random:alpha=0.5\", \"cvar-loss\"]"),
                Files.readString(Path.of(saved)));
        Program.Outcome o =
                Program.run("compare", "--config", saved, "--out-dir", dir.resolve("c").toString(), "--json")
                        .ok();
        assertTrue(o.out().contains("random-0.5") || o.out().contains("random:alpha=0.5"), o.out());
        assertTrue(o.err().contains("3 of them finished"), "the same settings: " + o.err());
    }
}
