// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.checkpoint.ModelFolder;
import io.eslm.gpt2.inspect.ActivationCache;
import io.eslm.gpt2.inspect.ActivationNames;
import io.eslm.gpt2.inspect.Inspection;
import io.eslm.gpt2.train.Objective;
import io.eslm.select.MethodSpec;
import io.eslm.tensor.Shape;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import io.eslm.tensor.io.Safetensors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The command that looks inside a model. */
class InspectCommandTest {
    private static final int[] IDS = Program.chain(15, 3);
    @TempDir
    private static Path temp;
    private static Path run;
    private static Path readable;
    private static Path ids;

    @BeforeAll
    static void makeInputs() throws IOException {
        Path data = Program.tokens(temp.resolve("data"));
        run = temp.resolve("run");
        Program.train(data, run, "--max-iters", "8", "--warmup-iters", "0", "--eval-interval", "0").ok();
        readable = temp.resolve("readable");
        Program.run("train", "--data", data.toString(), "--out-dir", readable.toString(), "--n-layer=1", "--n-head=1",
                "--n-embd=8", "--block-size=8", "--batch-size=2", "--max-iters=1", "--eval-interval=0",
                "--sample-interval=0").ok();
        ids = tokens("ids.txt", IDS);
        tokens("long.txt", Program.chain(18, 3));
        tokens("outside.txt", 1, 2, 64);
        Files.writeString(temp.resolve("text.txt"), "Naïve tokens, 你好 </script>");
        Files.writeString(temp.resolve("empty.txt"), " \n");
    }

    private static Path tokens(String name, int... values) throws IOException {
        return Files.writeString(temp.resolve(name),
                Arrays.stream(values).mapToObj(String::valueOf).collect(Collectors.joining(" ")));
    }

    private static Program.Outcome inspect(String... more) {
        return Program.run(Stream.concat(Stream.of("inspect"), Stream.of(more)).toArray(String[]::new));
    }

    private static Map<String, String> names(String... more) {
        Map<String, String> names = new LinkedHashMap<>();
        inspect(Stream.concat(Stream.of("--names"), Stream.of(more)).toArray(String[]::new)).ok().out().lines()
                .map(line -> line.split("  +")).forEach(pair -> names.put(pair[0], pair[1]));
        return names;
    }

    // ---- the page

    @Test
    void thePageIsOneFile() throws IOException {
        for (String[] source : List.of(new String[] {"--text", "the text"}, new String[] {"--file", "text.txt"})) {
            Path out = temp.resolve("page.html");
            String text = source[0].equals("--file") ? temp.resolve(source[1]).toString() : source[1];
            Program.Outcome o = inspect("--model", readable.toString(), source[0], text, "--method",
                    "cvar-loss:alpha=0.3", "--backward", "--out", out.toString()).ok();
            assertTrue(o.err().contains("open it in a browser"), o.err());
            String html = Files.readString(out);
            assertTrue(html.contains("cvar-loss:alpha\\u003d0.3") && html.contains("gradKept")
                    && html.contains("readable"));
            assertFalse(html.contains("</script>\"") || html.contains(" </script"), "the text ends no script");
            Files.delete(out);
        }
    }

    @Test
    void aLongerTextIsCutAndSaidSo() {
        Path out = temp.resolve("long.html");
        Program.Outcome o = inspect("--model", run.toString(), "--tokens", temp.resolve("long.txt").toString(), "--out",
                out.toString()).ok();
        assertTrue(
                o.err().contains(
                        "note: the text has 18 tokens; the page shows the first 17, because the model sees 16 at once"),
                o.err());
        assertTrue(Files.exists(out));
    }

    // ---- export

    @Test
    void theExportHoldsWhatTheModelComputes() {
        Path out = temp.resolve("look.safetensors");
        String globs =
                "blocks.*.attn.pattern, blocks.*.resid_post,logits,blocks.*.resid_post.grad,transformer.h.0.*.weight.grad";
        for (String method : new String[] {"clm", "cvar-loss:alpha=0.4"}) {
            String[] words = {"--model", run.toString(), "--tokens", ids.toString(), "--export", globs, "--out",
                out.toString(), "--threads", "1", "--method", method};
            inspect(method.equals("clm") ? Arrays.copyOf(words, words.length - 2) : words).ok();
            try (Backend backend = Backends.open("auto", 1); Safetensors file = Safetensors.open(out)) {
                Gpt2 model = ModelFolder.load(run, backend);
                Objective objective = MethodSpec.parse(method).objective(_ -> model);
                ActivationCache expected = Inspection.run(model, IDS, objective, globs.split(", *"));
                assertEquals(new TreeSet<>(expected.names()),
                        file.entries().stream().map(Safetensors.Entry::name)
                                .collect(Collectors.toCollection(TreeSet::new)));
                for (String name : expected.names()) {
                    assertEquals(Safetensors.Type.F32, file.entry(name).type());
                    assertEquals(expected.get(name).shape(), file.entry(name).shape(), name);
                    assertArrayEquals(expected.get(name).toFloats(), file.floats(name), name);
                }
                assertEquals(Shape.of(1, 2, 14, 14), file.entry("blocks.1.attn.pattern").shape(),
                        "15 ids, 14 positions");
                assertEquals(Shape.of(1, 14, 64), file.entry("logits").shape());
                assertTrue(file.contains("transformer.h.0.attn.c_attn.weight.grad"));
                assertEquals(method, file.metadata().get("method"));
                assertEquals(Arrays.stream(IDS).mapToObj(String::valueOf).collect(Collectors.joining(" ")),
                        file.metadata().get("ids"));
            }
        }
    }

    // ---- names

    @Test
    void namesAreThoseThatCanBeExported() {
        Map<String, String> symbolic = names();
        assertEquals("(B, H, T, T)", symbolic.get("blocks.N.attn.pattern"));
        assertEquals("(C, 3C)", symbolic.get("transformer.h.N.attn.c_attn.weight"));
        Map<String, String> numbers = names("--model", run.toString());
        assertEquals("(B, 2, T, T)", numbers.get("blocks.1.attn.pattern"));
        Map<String, String> shapes = names("--model", run.toString(), "--tokens", ids.toString());
        assertEquals(List.copyOf(numbers.keySet()), List.copyOf(shapes.keySet()));
        assertEquals(symbolic.keySet(), numbers.keySet().stream()
                .map(n -> n.replaceFirst("^blocks\\.\\d+", "blocks.N").replaceFirst("\\.h\\.\\d+", ".h.N"))
                .collect(Collectors.toSet()));
        try (Backend backend = Backends.open("scalar", 1)) {
            Gpt2 model = ModelFolder.load(run, backend);
            ActivationCache all = Inspection.run(model, IDS, new Objective.Mean(), "*");
            assertEquals(new TreeSet<>(all.names()), new TreeSet<>(shapes.keySet()));
            shapes.forEach((name, shape) -> assertEquals(all.get(name).shape().toString(), shape, name));
            assertEquals(new ActivationNames(model.config()).all().size() + model.parameters().size(), shapes.size());
        }
    }

    // ---- what is wrong

    /** @param words of the command, T for the folder of the inputs, and the message that they lead to */
    private record Wrong(int code, String message, String words) {
        @Override
        public String toString() {
            return words + ": " + message;
        }
    }

    static Stream<Wrong> wrongs() {
        String page = " --out T/new.html";
        String tokens = "--model T/run --tokens T/ids.txt";
        return Stream.of(new Wrong(2, "Missing required option: '--model=DIR'", "--tokens T/ids.txt" + page),
                new Wrong(2, "(--text=TEXT | --file=FILE | --tokens=FILE)", "--model T/run" + page),
                new Wrong(2, "Missing required option: '--out=FILE'", tokens),
                new Wrong(2, "mutually exclusive", tokens + " --text x" + page),
                new Wrong(2, "name gradients in --export: NAME.grad", tokens + " --export logits --backward" + page),
                new Wrong(1, "T/no: no such folder", "--model T/no --tokens T/ids.txt" + page),
                new Wrong(1, "give token ids with --tokens", "--model T/run --text x" + page),
                new Wrong(1, "T/empty.txt: is empty", "--model T/readable --file T/empty.txt" + page),
                new Wrong(1, "token 2 (counted from 0) has id 64", "--model T/run --tokens T/outside.txt" + page),
                new Wrong(1, "entry 0 (counted from 0) is 'Naïve', not a token id",
                        "--model T/run --tokens T/text.txt" + page),
                new Wrong(1, "the text has 1 tokens", "--model T/readable --text x" + page),
                new Wrong(1, "the text has 18 tokens, but the model reads 16 at once; give at most 17",
                        "--model T/run --tokens T/long.txt --export logits" + page),
                new Wrong(1, "no activation is called blocks.*.atn.pattern",
                        tokens + " --export blocks.*.atn.pattern" + page),
                new Wrong(1, "no activation is called blocks.2.attn.pattern",
                        tokens + " --export blocks.2.attn.pattern" + page),
                new Wrong(1, "no activation is called entropy.grad", tokens + " --export entropy.grad" + page),
                new Wrong(1, "--method rho: no such method", tokens + " --method rho" + page),
                new Wrong(1, "teacher: method kd needs it", tokens + " --method kd" + page),
                new Wrong(1, "T/data: is a folder; name a file to write", tokens + " --out T/data"),
                new Wrong(1, "there is no folder T/none", tokens + " --out T/none/new.html"));
    }

    @ParameterizedTest
    @MethodSource("wrongs")
    void saysWhatIsWrong(Wrong w) {
        Program.Outcome o = inspect(w.words.replace("T/", temp + "/").split(" "));
        assertEquals(w.code, o.code(), o.err());
        assertTrue(
                o.err().lines()
                        .anyMatch(l -> l.startsWith("error: ") && l.contains(w.message.replace("T/", temp + "/"))),
                o.err());
        assertFalse(o.err().contains("a bug in eslm") || o.err().contains("\tat "), o.err());
        assertFalse(Files.exists(temp.resolve("new.html")), "nothing is left behind");
    }
}
