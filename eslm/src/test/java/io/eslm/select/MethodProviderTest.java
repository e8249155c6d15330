// SPDX-License-Identifier: Apache-2.0
package io.eslm.select;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import io.eslm.cli.Program;
import io.eslm.report.RunLog;
import io.eslm.tensor.io.Json;
import java.io.IOException;
import java.io.OutputStream;
import java.io.StringWriter;
import java.net.URI;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A jar that somebody else compiles against the public API adds methods to the program. */
class MethodProviderTest {
    private static final String IMPORTS = """
            import io.eslm.gpt2.option.Option;
            import io.eslm.gpt2.train.*;
            import io.eslm.select.*;
            import io.eslm.select.objective.SelectiveObjective;
            import java.util.List;
            """;
    /** An objective of one's own: as plain language modelling, but with a check and a word about memory. */
    private static final String OWN_OBJECTIVE = IMPORTS + """
            public final class Halves implements MethodProvider {
                private static final Option<Integer> BLOCKS = Option.count("least blocks", "blocks of the model")
                        .defaultsTo(1);

                private record Half(String name) implements Objective {
                    @Override
                    public MicroBatch.Loss of(MicroBatch batch) {
                        return batch.over(new Selection(new int[] {0}, new float[] {0.5f}, Double.NaN, 0),
                                batch.losses());
                    }
                }

                @Override
                public List<Method> methods() {
                    return List.of(Method.of("half", List.of(BLOCKS), (spec, models) -> new Half(spec.toString()))
                            .checking((values, model) -> {
                                if (model.nLayer() < values.get(BLOCKS)) {
                                    throw new io.eslm.gpt2.option.OptionError(BLOCKS, values.get(BLOCKS), "too many");
                                }
                            })
                            .needing((values, model, batch) -> 1L << 60));
                }
            }
            """;

    @TempDir
    private static Path shared;
    private static Path data;
    @TempDir
    private Path temp;

    @BeforeAll
    static void makeData() throws IOException {
        data = Program.tokens(shared.resolve("data"));
    }

    /** The example in the documentation of {@link MethodProvider}. */
    private static String documented() throws IOException {
        List<String> lines = Files.readAllLines(Path.of("src/main/java/io/eslm/select/MethodProvider.java"));
        return IMPORTS + lines.stream().dropWhile(l -> !l.contains("{@snippet :")).skip(1)
                .takeWhile(l -> !l.equals(" * }"))
                .map(l -> l.replaceFirst("^ \\* ?", "")).collect(Collectors.joining("\n")) + "\n}\n";
    }

    private static String provider(String name, String method, String option) {
        return IMPORTS
                + """
                        public final class %s implements MethodProvider {
                            @Override
                            public List<Method> methods() {
                                return List.of(SelectiveObjective.method("%s", List.of(Option.count("%s", "help").defaultsTo(1)),
                                        values -> (loss, entropy, rng) -> Selection.all(loss.length)));
                            }
                        }
                        """
                        .formatted(name, method, option);
    }

    /** Compiles {@code source} and puts it into a jar, as a user does. */
    private URL jar(String name, String source) throws IOException {
        Path classes = Files.createDirectories(temp.resolve(name));
        JavaFileObject file = new SimpleJavaFileObject(URI.create("string:///" + name + ".java"),
                JavaFileObject.Kind.SOURCE) {
            @Override
            public CharSequence getCharContent(boolean ignoreEncodingErrors) {
                return source;
            }
        };
        StringWriter messages = new StringWriter();
        assertTrue(ToolProvider.getSystemJavaCompiler().getTask(messages, null, null,
                List.of("-proc:none", "-d", classes.toString(), "-cp", System.getProperty("java.class.path")), null,
                List.of(file)).call(), messages::toString);
        Path jar = temp.resolve(name + ".jar");
        try (OutputStream out = Files.newOutputStream(jar); JarOutputStream entries = new JarOutputStream(out);
                Stream<Path> made = Files.list(classes)) {
            entries.putNextEntry(new JarEntry("META-INF/services/" + MethodProvider.class.getName()));
            entries.write(name.getBytes(StandardCharsets.UTF_8));
            for (Path c : made.toList()) {
                entries.putNextEntry(new JarEntry(c.getFileName().toString()));
                entries.write(Files.readAllBytes(c));
            }
        }
        return jar.toUri().toURL();
    }

    /** Runs the program with these jars on its class path. */
    private static Program.Outcome run(List<URL> jars, String... arguments) throws IOException {
        ClassLoader before = Thread.currentThread().getContextClassLoader();
        try (URLClassLoader loader = new URLClassLoader(jars.toArray(URL[]::new), before)) {
            Thread.currentThread().setContextClassLoader(loader);
            return Program.run(arguments);
        } finally {
            Thread.currentThread().setContextClassLoader(before);
        }
    }

    private String[] command(String name, String... more) {
        List<String> all = new ArrayList<>(List.of(name, "--data", data.toString(), "--out-dir",
                temp.resolve("run").toString(), "--max-iters", "4", "--eval-interval", "4", "--warmup-iters", "0"));
        all.addAll(Program.TINY);
        all.addAll(List.of(more));
        return all.toArray(String[]::new);
    }

    @Test
    void theDocumentedExampleTrains() throws IOException {
        List<URL> jars = List.of(jar("EasyTokens", documented()));
        String help = run(jars, "train", "--help").ok().out();
        assertTrue(help.contains("--most=NATS") && help.contains("largest loss of a token that is kept (default: 5)"),
                help);
        assertTrue(help.lines().anyMatch(l -> l.matches("  easy +most")), help);
        run(jars, command("train", "--method", "easy", "--most", "4.1")).ok();
        assertEquals("easy:most=4.1",
                Json.read(temp.resolve("run").resolve(RunLog.CONFIG)).required("method", String.class));
        JsonObject first = RunLog.read(temp.resolve("run")).get(1);
        double kept = first.get("kept_fraction").getAsDouble();
        assertTrue(kept > 0 && kept < 1, "near log 64 = 4.16: some are kept, some are not: " + first);
        assertTrue(first.get("kept_loss").getAsDouble() < first.get("loss").getAsDouble(), "the easy ones: " + first);
        Program.Outcome resumed = run(jars, "train", "--init-from", "resume", "--out-dir",
                temp.resolve("run").toString(), "--most", "3");
        assertTrue(resumed.err().contains("--most 3.0: the run started with 4.1"), resumed.err());
        Program.Outcome wrong = run(jars, command("train", "--method", "easy:most=x"));
        assertTrue(wrong.err().contains("--most x: must be a finite number"), wrong.err());
    }

    @Test
    void itIsCompared() throws IOException {
        List<URL> jars = List.of(jar("EasyTokens", documented()));
        Program.Outcome o = run(jars, command("compare", "--methods", "easy:most=4.1", "--seeds", "1")).ok();
        assertTrue(o.out().lines().anyMatch(l -> l.matches("easy-4.1 +1 .*")), o.out());
    }

    @Test
    void anObjectiveHasItsOwnChecksAndMemory() throws IOException {
        List<URL> jars = List.of(jar("Halves", OWN_OBJECTIVE));
        Program.Outcome o = run(jars, command("train", "--method", "half", "--least-blocks", "3"));
        assertTrue(o.err().contains("error: --least-blocks 3: too many"), o.err());
        o = run(jars, command("train", "--method", "half"));
        assertTrue(o.err().contains("needs about 1152921504.6 GB of memory"), o.err());
    }

    @Test
    void clashesNameBoth() throws IOException {
        Program.Outcome o = run(List.of(jar("Mine", provider("Mine", "clm", "x"))), "train", "--help");
        assertEquals(1, o.code());
        assertEquals(
                "error: method clm is declared twice, by io.eslm.select.objective.EslmMethods and by Mine; remove one "
                        + "of their jars from the class path",
                o.err().strip());
        o = run(List.of(jar("Seedy", provider("Seedy", "seedy", "seed"))), "train", "--help");
        assertTrue(
                o.err().startsWith(
                        "error: a method declares the option \"seed\", but train has an option of that name"),
                o.err());
        o = run(List.of(jar("Broken", IMPORTS + "class Broken {}")), "train", "--help");
        assertTrue(o.err().startsWith("error: the methods of a jar cannot be loaded: "), o.err());
    }

    /** What a selector may not return is refused before a kernel sees it. */
    @Test
    void aWrongSelectionIsRefused() throws IOException {
        String wrong = provider("Wrong", "wrong", "x").replace("Selection.all(loss.length)",
                "new Selection(new int[] {values.get(Option.count(\"x\", \"\"))}, new float[] {1}, 0, 0)");
        List<URL> jars = List.of(jar("Wrong", wrong));
        Program.Outcome o = run(jars, command("train", "--method", "wrong:x=64"));
        assertTrue(
                o.err().contains("error: the method's selector returned row 64 at 0; rows must ascend and be below 64"),
                o.err());
        String none = provider("None", "none", "x").replace("Selection.all(loss.length)",
                "Selection.mean(new boolean[loss.length], 0, 0)");
        o = run(List.of(jar("None", none)), command("train", "--method", "none", "--out-dir",
                temp.resolve("other").toString()));
        assertTrue(o.err().contains("it must keep at least one"), o.err());
    }
}
