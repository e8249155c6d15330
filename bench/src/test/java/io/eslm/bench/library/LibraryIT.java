// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench.library;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/** What the documents promise to people who build on ESLM, tried as they would try it. */
class LibraryIT {
    private static final Path EXAMPLES = Published.ROOT.resolve("docs/examples");

    private static Newcomer newcomer;

    @BeforeAll
    static void install(@TempDir Path home) throws IOException { newcomer = new Newcomer(home); }

    @Test
    void theFirstProgramOfTheReadmeRunsInAProjectOfItsOwn() throws IOException {
        Path project = newcomer.project("first", Readme.block("As a library", "xml"));
        newcomer.write("first/src/main/java/First.java", Readme.block("As a library", "java"));
        assertFalse(newcomer.shell(project, Readme.block("As a library", "")).ok().isBlank());
    }

    @Test
    void theOpOfTheReadmeCompilesOutsideAndPassesTheGradientCheck() throws IOException {
        String op = Readme.block("Adding an op", "java");
        var name = Pattern.compile("record (\\w+)\\(").matcher(op);
        assertTrue(name.find(), op);
        newcomer.write("op/" + name.group(1) + ".java", """
                import io.eslm.autograd.*;
                import io.eslm.autograd.check.*;
                import io.eslm.tensor.*;
                import io.eslm.tensor.backend.ArrayKernels.*;
                import java.util.stream.Stream;

                """ + op);
        newcomer.write("op/Check.java", """
                import io.eslm.autograd.check.*;
                import io.eslm.tensor.*;
                import io.eslm.tensor.backend.*;

                class Check {
                    static void main() {
                        var source = new SampleSource(Backends.open("scalar", 1), DType.F64, Rng.of(1));
                        OP.samples(source).forEach(s -> GradCheck.check("OP", s.inputs(), s::apply, Rng.of(2)));
                        System.out.print("checked");
                    }
                }
                """.replace("OP", name.group(1)));
        assertEquals("checked", newcomer.eslm(Map.of(), "run", "op/Check.java").ok());
    }

    /** Those that take arguments take a text file, and a folder to make; the last one looks into the model that another made. */
    @TestFactory
    Stream<DynamicTest> everyExampleRuns() throws IOException {
        String text = Published.ROOT.resolve("README.md").toString();
        String last = "LookInside.java";
        try (var files = Files.list(EXAMPLES)) {
            return files.filter(file -> file.toString().endsWith(".java"))
                    .sorted(Comparator.comparing((Path file) -> file.endsWith(last))
                            .thenComparing(Comparator.naturalOrder()))
                    .toList().stream().map(file -> dynamicTest(file.getFileName().toString(), () -> {
                        String name = file.getFileName().toString();
                        List<String> arguments =
                                name.equals(last) ? List.of("made by TrainFromJava.java/first", "Kernels run on")
                                        : List.of(text, "made by " + name);
                        newcomer.eslm(Map.of(), "run", file.toString(), arguments.get(0), arguments.get(1)).ok();
                    }));
        }
    }

    @Test
    void runPassesArgumentsAndTheExitCode() throws IOException {
        newcomer.write("Echo.java",
                """
                        class Echo {
                            static void main(String[] args) {
                                System.out.print(String.join("|", args) + ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent());
                                System.exit(7);
                            }
                        }
                        """);
        var outcome = newcomer.eslm(Map.of(), "run", "Echo.java", "--max iters", "bench", "");
        assertEquals(new Newcomer.Outcome(7, "--max iters|bench|true"), outcome, "nothing but what the program prints");
    }

    @Test
    void runSaysWhatItNeeds() throws IOException {
        newcomer.write("notes.txt", "");
        for (var fault : Map.of(List.of("run"), "which file?",
                List.of("run", "None.java"), "there is no file None.java",
                List.of("run", "notes.txt"), "notes.txt is not a Java source file").entrySet()) {
            var outcome = newcomer.eslm(Map.of(), fault.getKey().toArray(String[]::new));
            assertEquals(1, outcome.exitCode(), outcome.output());
            assertTrue(outcome.output().startsWith("eslm: run: " + fault.getValue()), outcome.output());
        }
    }

    @Test
    void aUsersJarIsOnTheClassPath() throws IOException {
        Path jar = newcomer.jar("greeting", Map.of("com/example/Greeting.java", """
                package com.example;

                public class Greeting {
                    public static final io.eslm.tensor.Shape SHAPE = io.eslm.tensor.Shape.of(2, 3);
                }
                """));
        newcomer.write("Greet.java", "void main() { IO.print(com.example.Greeting.SHAPE); }");
        var environment = Map.of("ESLM_CLASSPATH", jar.toString());
        assertEquals("(2, 3)", newcomer.eslm(environment, "run", "Greet.java").ok());
    }
}
