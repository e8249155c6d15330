// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.eslm.report.RunLog;
import io.eslm.select.token.ValueAtRisk;
import java.io.IOException;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.UsageMessageSpec;

/** What the commands besides train do with good input. */
class CommandsTest {
    private static final int LENGTH = 41;
    @TempDir
    private static Path temp;
    private static Path data;
    private static Path run;
    private static Path readable;

    @BeforeAll
    static void trainModels() throws IOException {
        data = Program.tokens(temp.resolve("data"));
        run = temp.resolve("run");
        Program.train(data, run, "--max-iters", "20", "--eval-interval", "20").ok();
        readable = temp.resolve("readable");
        Program.run("train", "--data", data.toString(), "--out-dir", readable.toString(), "--n-layer=1", "--n-head=1",
                "--n-embd=8", "--block-size=8", "--batch-size=2", "--max-iters=1", "--eval-interval=0",
                "--sample-interval=0").ok();
    }

    private static List<JsonObject> lines(Program.Outcome o) {
        return o.out().lines().map(l -> JsonParser.parseString(l).getAsJsonObject()).toList();
    }

    @Test
    void scoreWritesALineForEachPredictedToken() throws IOException {
        int[] ids = Program.chain(LENGTH, 3);
        Path file = Files.writeString(temp.resolve("ids.txt"),
                Arrays.stream(ids).mapToObj(String::valueOf).collect(Collectors.joining(" \n")));
        List<JsonObject> lines =
                lines(Program.run("score", "--model", run.toString(), "--tokens", file.toString(), "--alpha",
                        "0.3").ok());
        assertEquals(LENGTH - 1, lines.size());
        assertEquals(List.of("pos", "id", "text", "loss", "entropy", "selected"),
                List.copyOf(lines.getFirst().keySet()));
        float[] loss = new float[LENGTH - 1];
        for (int i = 0; i < loss.length; i++) {
            assertEquals(i + 1, lines.get(i).get("pos").getAsInt());
            assertEquals(ids[i + 1], lines.get(i).get("id").getAsInt());
            assertTrue(lines.get(i).get("text").isJsonNull(), "64 ids are not GPT-2's vocabulary");
            loss[i] = lines.get(i).get("loss").getAsFloat();
        }
        float threshold = ValueAtRisk.of(loss, 0.3);
        for (int i = 0; i < loss.length; i++) {
            assertEquals(loss[i] >= threshold, lines.get(i).get("selected").getAsBoolean());
        }
        double mean = lines.stream().mapToDouble(l -> l.get("loss").getAsDouble()).average().orElseThrow();
        Files.write(temp.resolve("ids.bin"), Program.uint16(ids));
        JsonObject eval =
                lines(Program.run("eval", "--model", run.toString(), "--data", temp.resolve("ids.bin").toString(),
                        "--json").ok()).getFirst();
        assertEquals(mean, eval.get("loss").getAsDouble(), 1e-6, "the same windows as eval cuts: 16, 16 and 8");
        assertEquals(LENGTH - 1, eval.get("predictions").getAsInt());
    }

    @Test
    void scoreByEntropySelectsOthers() throws IOException {
        Path file = Files.writeString(temp.resolve("text.txt"), "Naïve tokens, 你好, and a newline\n");
        List<JsonObject> byLoss = lines(Program.run("score", "--model", readable.toString(), "--file", file.toString(),
                "--alpha", "0.5").ok());
        List<JsonObject> byEntropy =
                lines(Program.run("score", "--model", readable.toString(), "--file", file.toString(),
                        "--alpha", "0.5", "--risk", "entropy").ok());
        assertEquals("\n", byLoss.getLast().get("text").getAsString());
        float[] entropy = new float[byEntropy.size()];
        for (int i = 0; i < entropy.length; i++) {
            entropy[i] = byEntropy.get(i).get("entropy").getAsFloat();
        }
        float threshold = ValueAtRisk.of(entropy, 0.5);
        for (int i = 0; i < entropy.length; i++) {
            assertEquals(entropy[i] >= threshold, byEntropy.get(i).get("selected").getAsBoolean());
        }
    }

    @Test
    void evalAgreesWithTheRun() {
        Program.Outcome o =
                Program.run("eval", "--model", run.toString(), "--data", data.toString(), "--json", "--eval-iters",
                        "2", "--batch_size", "4").ok();
        JsonObject json = lines(o).getFirst();
        assertEquals(List.of("model", "data", "loss", "perplexity", "cvar90", "predictions", "domains", "worst_domain"),
                List.copyOf(json.keySet()));
        double logged = RunLog.read(run).getLast().get("val_loss").getAsDouble();
        assertEquals(logged, json.get("loss").getAsDouble(), 1e-9);
        assertEquals(Math.exp(logged), json.get("perplexity").getAsDouble(), 1e-6);
        assertTrue(Program.run("eval", "--model", run.toString(), "--data", data.toString()).ok().out()
                .matches("(?s)domain +loss +perplexity\nall .*all .*499 predictions\nworst tenth of tokens .*\n"));
    }

    @Test
    void sampleContinuesThePromptAndRepeatsItself() {
        String[] command = {"sample", "--model", readable.toString(), "--prompt", "Hello", "--max_new_tokens", "12"};
        String first = Program.run(command).ok().out();
        assertTrue(first.startsWith("Hello") && first.length() > "Hello\n".length(), first);
        assertEquals(first, Program.run(command).ok().out());
        String[] other = Arrays.copyOf(command, command.length + 2);
        other[command.length] = "--seed";
        other[command.length + 1] = "99";
        assertTrue(!first.equals(Program.run(other).ok().out()), "another seed, another text");
    }

    @Test
    void prepareMakesAFolderThatTrains() throws IOException {
        Path text = Files.writeString(temp.resolve("fox.txt"),
                "The quick brown fox jumps over the lazy dog.\n".repeat(200));
        Path out = temp.resolve("prepared");
        Program.Outcome o =
                Program.run("prepare", "--in", text.toString(), "--out", out.toString(), "--held_out", "0.2").ok();
        assertTrue(o.out().contains("train tokens") && o.out().matches("(?s).*\\n\\S+ +1,7\\d\\d +4\\d\\d\\n.*"),
                o.out());
        Program.run("train", "--data", out.toString(), "--out-dir", temp.resolve("fox").toString(), "--n-layer=1",
                "--n-head=1",
                "--n-embd=8", "--block-size=8", "--batch-size=2", "--max-iters=1", "--eval-interval=0").ok();
    }

    @Test
    void backendsAreListedWithTheirState() {
        String out = Program.run("backends", "--threads", "1").ok().out();
        assertTrue(out.contains("scalar ") && out.contains("(auto)"), out);
    }

    @ParameterizedTest
    @ValueSource(strings = {"train", "sample", "eval", "score", "inspect", "diff", "prepare", "backends", "shell"})
    void everyCommandHelps(String command) {
        String help = Program.run(command, "--help").ok().out();
        assertTrue(help.contains("Usage: eslm " + command) && help.contains("Example"), help);
        assertTrue(help.lines().noneMatch(l -> l.matches(" +--\\w*_.*")), "one form of each option is shown:\n" + help);
        assertTrue(Program.run(command, "--version").ok().out().startsWith("eslm "));
        assertEquals(help, Program.run("help", command).ok().out());
    }

    /** A start makes only the commands that its words may need; who lists them all sees the others by name and header. */
    @Test
    void everyCommandIsListedAndFound() throws IOException {
        CommandLine program =
                Main.commandLine(new Output(new StringWriter()), new Output(new StringWriter()), false);
        String list = Program.run("--help").ok().out();
        assertEquals(program.getUsageMessage(), list);
        assertEquals(list, Program.run("help").ok().out());
        program.getSubcommands().keySet().forEach(name -> assertTrue(list.contains("\n  " + name + " "), name));
        assertTrue(Program.run("tokenise").err().contains("did you mean tokenize?"));
        Path words = Files.writeString(temp.resolve("words.txt"), "tokenize --text stone --tokenizer bytes");
        assertEquals(Program.run("tokenize", "--text", "stone", "--tokenizer", "bytes").ok().out(),
                Program.run("@" + words).ok().out());
        assertTrue(Program.run("completion", "bash").ok().out().contains("--eval-task-interval"));
    }

    /** picocli formats help texts: a percent sign of theirs is two. Otherwise it warns, and shows the text raw. */
    @Test
    void everyHelpTextCanBeFormatted() {
        CommandLine program =
                Main.commandLine(new Output(new StringWriter()), new Output(new StringWriter()), false);
        for (CommandLine command : program.getSubcommands().values()) {
            UsageMessageSpec usage = command.getCommandSpec().usageMessage();
            for (String[] texts : List.of(usage.description(), usage.header(), usage.footer())) {
                for (String text : texts) {
                    assertDoesNotThrow(() -> String.format(text), command.getCommandName() + ": " + text);
                }
            }
        }
    }

    /** Every option with a dash inside also has the form with underscores. */
    @Test
    void everyOptionHasItsUnderscoreForm() {
        CommandLine program =
                Main.commandLine(new Output(new StringWriter()), new Output(new StringWriter()), false);
        for (CommandLine command : program.getSubcommands().values()) {
            for (OptionSpec option : command.getCommandSpec().options()) {
                List<String> names = List.of(option.names());
                for (String name : names) {
                    assertTrue(!name.startsWith("--") || names.contains("--" + name.substring(2).replace('-', '_')),
                            command.getCommandName() + " " + name);
                }
            }
        }
    }
}
