// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Everything that can be wrong with what a user gives: one clear line, the right exit code, and nothing lost. */
class BadInputTest {
    private static final String TINY = String.join(" ", Program.TINY);
    @TempDir
    private static Path temp;

    /** @param arguments of the program; T stands for the folder of the inputs */
    private record Case(String name, int code, String message, String arguments) {
        /** What is wrong with a method is said before its data is looked for: where no data is named, there is none. */
        @Override
        public String arguments() {
            return arguments.startsWith("train ") && !arguments.contains("--data") && !arguments.contains("resume")
                    ? arguments + " --data T/missing" : arguments;
        }

        @Override
        public String toString() {
            return name;
        }
    }

    @BeforeAll
    static void makeInputs() throws IOException {
        Program.tokens(temp.resolve("data"));
        Program.train(temp.resolve("data"), temp.resolve("run"), "--max-iters", "4", "--checkpoint-interval", "2",
                "--eval-interval", "0").ok();
        Files.createFile(temp.resolve("empty.txt"));
        Files.write(temp.resolve("binary.txt"), new byte[] {'t', 'e', 'x', 't', 0, 1, 2, (byte) 0xFF});
        Files.write(temp.resolve("latin1.txt"), "caf\u00e9 au lait".getBytes(StandardCharsets.ISO_8859_1));
        folder("short", Program.uint16(1, 2, 3, 4, 5));
        folder("foreign", Program.uint16(Arrays.copyOf(new int[] {1, 2, 64}, 100)));
        folder("odd", new byte[101]);
        Files.createDirectory(temp.resolve("nothing"));
        Files.createFile(temp.resolve("file"));
        Files.writeString(temp.resolve("ids.txt"), "1 2 3");
        Files.writeString(temp.resolve("outside.txt"), "1 2 64");
        Files.writeString(temp.resolve("words.txt"), "1 two 3");
        Files.writeString(temp.resolve("one.txt"), "7");
        model("truncated", bytes -> Arrays.copyOf(bytes, bytes.length - 100));
        model("lying", bytes -> {
            bytes[6] = 1;
            return bytes;
        });
        Files.delete(model("weightless", bytes -> bytes).resolve("model.safetensors"));
        Path heads = model("heads", bytes -> bytes);
        Files.writeString(heads.resolve("config.json"),
                Files.readString(heads.resolve("config.json")).replace("\"n_head\": 2", "\"n_head\": 3"));
        Path other = model("other", bytes -> bytes);
        Files.writeString(other.resolve("config.json"),
                Files.readString(other.resolve("config.json")).replace("\"n_positions\": 16", "\"n_positions\": 32"));
    }

    private static void folder(String name, byte[] train) throws IOException {
        Files.write(Files.createDirectory(temp.resolve(name)).resolve("train.bin"), train);
    }

    /** A copy of the trained model with other bytes in its weights. */
    private static Path model(String name, UnaryOperator<byte[]> change) throws IOException {
        Path good = temp.resolve("run/checkpoints/step-000004");
        Path dir = Files.createDirectory(temp.resolve(name));
        Files.copy(good.resolve("config.json"), dir.resolve("config.json"));
        Files.write(dir.resolve("model.safetensors"),
                change.apply(Files.readAllBytes(good.resolve("model.safetensors"))));
        return dir;
    }

    static Stream<Case> cases() {
        return Stream.of(
                new Case("empty text", 1, "empty", "train --data T/empty.txt --out-dir T/new " + TINY),
                new Case("binary text", 1, "binary.txt", "train --data T/binary.txt --out-dir T/new " + TINY),
                new Case("text that is not UTF-8", 1, "UTF-8", "train --data T/latin1.txt --out-dir T/new " + TINY),
                new Case("fewer tokens than a block", 1,
                        "error: --data T/short: has 5 tokens to train on, but a window of block size 16 needs 17",
                        "train --data T/short --out-dir T/new " + TINY),
                new Case("an id outside the vocabulary", 1, "token 2 has id 64, but the model's vocabulary has 64 ids",
                        "train --data T/foreign --out-dir T/new " + TINY),
                new Case("half a token", 1, "an odd number", "train --data T/odd --out-dir T/new " + TINY),
                new Case("no data", 1, "data T/missing: no such file or folder",
                        "train --data T/missing --out-dir T/new " + TINY),
                new Case("a folder without text", 1, "nothing", "train --data T/nothing --out-dir T/new " + TINY),
                new Case("alpha 1", 1, "--alpha 1.0: must be at least 0", "train --alpha 1"),
                new Case("alpha below 0", 1, "--alpha -0.1: must be at least 0", "train --alpha -0.1"),
                new Case("alpha NaN", 1, "--alpha NaN: must be at least 0", "train --alpha NaN"),
                new Case("alpha NaN for scoring", 1, "--alpha NaN",
                        "score --model T/run --tokens T/ids.txt --alpha NaN"),
                new Case("unknown method", 1, "--method rho: no such method; choose one of clm, cvar-loss",
                        "train --method rho"),
                new Case("a setting that the method does not have", 1,
                        "--alpha 0.1: method clm does not use it", "train --method clm --alpha 0.1"),
                new Case("a setting of another method", 1, "--teacher x: method cvar-loss does not use it",
                        "train --teacher x"),
                new Case("a setting that there is not", 1,
                        "--method cvar-loss:alhpa=0.1: unknown setting 'alhpa'; method cvar-loss has alpha, alpha-end, global-value-at-risk",
                        "train --method cvar-loss:alhpa=0.1"),
                new Case("a word for a level", 1, "--alpha abc: must be a finite number", "train --alpha abc"),
                new Case("a keep ratio of 0", 1, "--keep-ratio 0.0: must be from 0.001 to 1",
                        "train --method risk-sampling --keep-ratio 0"),
                new Case("a keep ratio above 1", 1, "--keep-ratio-end 1.1: must be from 0.001 to 1",
                        "train --method risk-sampling --keep-ratio-end 1.1"),
                new Case("a risk floor of 0", 1, "--risk-floor 0.0: must be from 0.001 to 1",
                        "train --method risk-sampling --risk-floor 0"),
                new Case("a risk that there is not", 1, "--risk margin: must be loss or entropy",
                        "train --method kd --teacher T/run --risk margin"),
                new Case("a draw that there is not", 1, "--draw all: must be kept or drawn",
                        "train --method instance --draw all"),
                new Case("a first level below the least", 1,
                        "--alpha 0.1: must be between alpha min 0.2 and alpha max 0.5",
                        "train --method ada-cvar-loss --alpha-min 0.2"),
                new Case("a gain of 0", 1, "--gamma 0.0: must be above 0",
                        "train --method ada-var-entropy --gamma 0"),
                new Case("an interval of no steps", 1, "--interval 0: must be at least 1",
                        "train --method ada-cvar-loss --interval 0"),
                new Case("half an interval", 1, "--interval 1.5: must be a whole number",
                        "train --method ada-cvar-loss --interval 1.5"),
                new Case("an instance level of 1", 1, "--instance-alpha 1.0: must be from 0 to 0.95",
                        "train --method instance --instance-alpha 1"),
                new Case("an early exit behind the model", 1, "--exit-blocks 3: must be at most the model's 2 blocks",
                        "train --method instance --exit-blocks 3 --out-dir T/new " + TINY),
                new Case("an early exit before the model", 1, "--exit-blocks 0: must be at least 1",
                        "train --method hierarchical --exit-blocks 0"),
                new Case("a stride of 0", 1, "--exit-stride 0: must be at least 1",
                        "train --method hierarchical --exit-stride 0"),
                new Case("no reference", 1, "--reference: method rho-1 needs it", "train --method rho-1"),
                new Case("a reference that is missing", 1, "--reference T/missing: no such folder",
                        "train --method rho-1 --reference T/missing --out-dir T/new " + TINY),
                new Case("a reference with a shorter context", 1,
                        "it has 16 positions, but the model in training has 32",
                        "train --method rho-1 --reference T/run --out-dir T/new " + TINY
                                + " --block-size 32"),
                new Case("a reference without weights", 1, "T/weightless: has config.json but no model.safetensors",
                        "train --method rho-1 --reference T/weightless --out-dir T/new " + TINY),
                new Case("a teacher cut off", 1, "--teacher T/truncated",
                        "train --method kd --teacher T/truncated --out-dir T/new " + TINY),
                new Case("a beginning without weights", 1, "T/weightless: has config.json but no model.safetensors",
                        "train --init-from T/weightless --out-dir T/new"),
                new Case("no teacher", 1, "--teacher: method kd needs it", "train --method kd"),
                new Case("a teacher that is no model", 1, "contains no model",
                        "train --method kd --teacher T/nothing --out-dir T/new " + TINY),
                new Case("a teacher of other tokens", 1,
                        "its vocabulary has 64 ids, but the model in training has 99",
                        "train --method kd --teacher T/run --out-dir T/new " + TINY + " --vocab-size 99"),
                new Case("a mixing weight above 1", 1, "--kd-weight 2.0: must be at least 0 and at most 1",
                        "train --method kd --teacher T/run --kd-weight 2"),
                new Case("a temperature of 0", 1, "--temperature 0.0: must be above 0",
                        "train --method kd --teacher T/run --temperature 0"),
                new Case("resume with another setting", 1, "--alpha 0.2: the run started with 0.1",
                        "train --init-from resume --out-dir T/run --method cvar-loss --alpha 0.2"),
                new Case("unknown preset", 1, "--model gpt5: no such preset", "train --model gpt5"),
                new Case("unknown backend", 1, "--backend abacus: must be auto, or a name that 'eslm backends' lists",
                        "train --data T/data --out-dir T/new --backend abacus " + TINY),
                new Case("heads that do not divide", 1, "--n-embd 16: must be a multiple of n head 3; try 18",
                        "train --data T/data --out-dir T/new " + TINY + " --n-head 3"),
                new Case("too little memory", 1, "of memory, but",
                        "train --data T/data --out-dir T/new --model gpt2-xl"),
                new Case("a temperature below 0", 1, "--temperature -1.0: must be at least 0",
                        "sample --model T/run --temperature -1"),
                new Case("no batches", 1, "--batch-size 0: must be at least 1",
                        "eval --model T/run --data T/data --batch-size 0"),
                new Case("fewer threads than none", 1, "--threads -1: must be at least 0", "backends --threads -1"),
                new Case("a rate below its end", 1, "--min-lr 0.1: must be at most learning rate 0.01",
                        "train --learning-rate 1e-2 --min-lr 0.1"),
                new Case("a longer warm-up than the run", 1, "--warmup-iters 1000: must be less than max iters 1000",
                        "train --warmup-iters 1000"),
                new Case("no steps", 1, "--max-iters 0: must be at least 1", "train --max-iters 0"),
                new Case("a rate that is no number", 1, "--learning-rate NaN", "train --learning-rate NaN"),
                new Case("an out-dir with a run in it", 1, "holds a run already",
                        "train --data T/data --out-dir T/run " + TINY),
                new Case("an out-dir below a file", 1, "is a file, not a folder",
                        "train --data T/data --out-dir T/file/run " + TINY),
                new Case("resume of nothing", 1, "no such folder", "train --init-from resume --out-dir T/missing"),
                new Case("resume without saying of what", 1, "name the run with --out-dir",
                        "train --init-from resume"),
                new Case("resume in a folder without a run", 1, "holds no run",
                        "train --init-from resume --out-dir T/nothing"),
                new Case("resume with another seed", 1, "--seed 9: the run started with 1337",
                        "train --init-from resume --out-dir T/run --seed 9"),
                new Case("resume with other data", 1, "T/short: the data has changed: train was 4000 tokens",
                        "train --init-from resume --out-dir T/run --data T/short"),
                new Case("resume with another shape", 1, "--n-embd 32: the model in",
                        "train --init-from resume --out-dir T/run --n-embd 32"),
                new Case("resume with another method", 1, "--method clm: the run started with cvar-loss",
                        "train --init-from resume --out-dir T/run --method clm"),
                new Case("a context longer than the model's", 1, "--block-size 64: the model in",
                        "train --init-from T/run --data T/data --out-dir T/new --block-size 64"),
                new Case("no model", 1, "no such folder", "eval --model T/missing --data T/data"),
                new Case("a folder without a model", 1, "contains no model", "eval --model T/nothing --data T/data"),
                new Case("truncated weights", 1, "model.safetensors", "eval --model T/truncated --data T/data"),
                new Case("weights with a lying header", 1, "model.safetensors", "eval --model T/lying --data T/data"),
                new Case("a model of three heads", 1, "config.json: n embd 16: must be a multiple of n head 3",
                        "eval --model T/heads --data T/data"),
                new Case("a config of other weights", 1, "has shape (16, 16), but",
                        "eval --model T/other --data T/data"),
                new Case("an id outside, to score", 1,
                        "token 2 (counted from 0) has id 64, but the model's vocabulary has 64",
                        "score --model T/run --tokens T/outside.txt"),
                new Case("words as ids", 1, "entry 1 (counted from 0) is 'two', not a token id",
                        "score --model T/run --tokens T/words.txt"),
                new Case("a single token", 1, "has 1 tokens; the first has no prediction",
                        "score --model T/run --tokens T/one.txt"),
                new Case("text for a model of other tokens", 1, "give token ids with --tokens",
                        "score --model T/run --file T/ids.txt"),
                new Case("missing file to score", 1, "no such file", "score --model T/run --tokens T/missing.txt"),
                new Case("no model to explain", 1, "no such folder, and no such preset; presets are demo",
                        "explain --model T/missing"),
                new Case("another batch for a run's next step", 1, "--batch-size",
                        "explain --model T/run --batch-size 2"),
                new Case("no such parameter to explain", 1,
                        "the model has no parameter 'nothing'; it has transformer.wte",
                        "explain --model T/run --row nothing:0"),
                new Case("no such row to explain", 1, "transformer.wte.weight (64, 16) has rows 0 to 63",
                        "explain --model T/run --row transformer.wte.weight:64"),
                new Case("a row without a name", 1, "must be the name of a parameter, a colon and a row",
                        "explain --model T/run --row 5"),
                new Case("an id outside, to explain", 1, "token 2 (counted from 0) has id 64",
                        "explain --model T/run --tokens T/outside.txt"),
                new Case("a text to explain, of other tokens", 1, "give token ids with --tokens",
                        "explain --model T/run --text word"),
                new Case("another shape to explain", 1, "a model that exists keeps its shape",
                        "explain --model T/run --n-layer 3 --tokens T/ids.txt"),
                new Case("two texts to explain", 2, "mutually exclusive", "explain --text word --file T/ids.txt"),
                new Case("no repetition", 1, "--repeat 0: must be at least 1", "explain --repeat 0 --model T/run"),
                new Case("text from a model of other tokens", 1, "cannot be turned into text",
                        "sample --model T/run --prompt x"),
                new Case("a share held out above half", 1, "--held-out 0.9: must be from 0 to 0.5",
                        "prepare --in T/ids.txt --out T/new --held-out 0.9"),
                new Case("an empty text to prepare", 1, "empty", "prepare --in T/empty.txt --out T/new"),
                new Case("unknown option", 2, "unknown option or argument: --max-iter; did you mean --max-iters?",
                        "train --max-iter 5"),
                new Case("unknown command", 2, "unknown option or argument: trian; did you mean train?", "trian"),
                new Case("no command", 2, "name a command", ""),
                new Case("a word for a number", 1, "--max-iters abc: must be a whole number", "train --max-iters abc"),
                new Case("neither text nor tokens", 2, "(--text=TEXT | --file=FILE | --tokens=FILE)",
                        "score --model T/run"),
                new Case("both text and tokens", 2, "mutually exclusive",
                        "score --model T/run --file T/ids.txt --tokens T/ids.txt"),
                new Case("a missing option", 2, "--model=DIR", "eval --data T/data"));
    }

    @ParameterizedTest
    @MethodSource("cases")
    void saysWhatIsWrong(Case c) {
        String[] arguments = c.arguments.isEmpty() ? new String[0] : c.arguments().replace("T/", temp + "/").split(" ");
        Program.Outcome o = Program.run(arguments);
        assertEquals(c.code, o.code(), o.err());
        String[] lines = o.err().strip().split("\n");
        String last = c.code == 2 ? lines[lines.length - 2] : lines[lines.length - 1];
        assertTrue(last.startsWith("error: ") && last.contains(c.message.replace("T/", temp + "/")), o.err());
        assertFalse(o.err().contains("\tat "), "no stack trace:\n" + o.err());
        assertFalse(o.err().contains("a bug in eslm"), o.err());
        assertFalse(Files.exists(temp.resolve("new")), "nothing is left behind");
    }

    @Test
    void theStackTraceIsThereForWhoAsks() {
        assertTrue(Program.run("train", "--alpha", "1", "--verbose").err().contains("\tat "));
    }

    /** Data of the same name with other contents. */
    @Test
    void changedDataDoesNotContinueARun() throws IOException {
        Path data = Program.tokens(temp.resolve("changing"));
        Path dir = temp.resolve("changed");
        Program.train(data, dir, "--max-iters", "1", "--eval-interval", "0").ok();
        Files.write(data.resolve("train.bin"), Program.uint16(Program.chain(3999, 1)));
        Program.Outcome o =
                Program.run("train", "--init-from", "resume", "--out-dir", dir.toString(), "--max-iters", "2",
                        "--warmup-iters", "0");
        assertEquals(1, o.code(), o.err());
        assertTrue(
                o.err().contains("error: --data " + data
                        + ": the data has changed: train was 4000 tokens when the run started, and is 3999"),
                o.err());
    }

    /** The newest checkpoint is cut off: the one before it is good. */
    @Test
    void aCutOffCheckpointIsPassedOver() throws IOException {
        Path dir = temp.resolve("cut");
        Program.train(temp.resolve("data"), dir, "--max-iters", "4", "--checkpoint-interval", "2", "--eval-interval",
                "0").ok();
        Path weights = dir.resolve("checkpoints/step-000004/model.safetensors");
        Files.write(weights, Arrays.copyOf(Files.readAllBytes(weights), 1000));
        Program.Outcome o = Program.run("train", "--init-from", "resume", "--out-dir", dir.toString()).ok();
        assertTrue(o.err().contains("step 2 of 4"), o.err());
    }
}
