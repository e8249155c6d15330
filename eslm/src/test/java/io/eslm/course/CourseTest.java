// SPDX-License-Identifier: Apache-2.0
package io.eslm.course;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.shell.Script;
import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import java.util.spi.ToolProvider;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The code of the course runs, in a shell for each chapter and its solutions, and shows what the text says. */
class CourseTest {
    private static final Path COURSE = Path.of("../docs/course");
    private static final Pattern LINK = Pattern.compile("\\]\\(([^)#]+?)(#[^)]*)?\\)");

    static List<Path> chapters() throws IOException {
        try (Stream<Path> files = Files.list(COURSE)) {
            return files.filter(f -> f.getFileName().toString().matches("[0-9].*\\.md")).sorted().toList();
        }
    }

    @ParameterizedTest
    @MethodSource("chapters")
    void chapterAndSolutionsShowWhatTheySay(Path chapter) throws IOException {
        try (Script shell = new Script()) {
            assertEquals("", String.join("\n\n", Chapter.run(shell, chapter)));
            Path solutions = COURSE.resolve("solutions").resolve(chapter.getFileName());
            assertTrue(Files.readString(chapter).contains("(solutions/" + chapter.getFileName() + ")"),
                    "names its solutions");
            assertEquals("", String.join("\n\n", Chapter.run(shell, solutions)));
        }
    }

    /** Those of a model are compared where the arithmetic is the one that they were drawn with. */
    @Test
    void picturesAreWhatTheProgramDraws(@TempDir Path temp) throws Exception {
        Path classes = Files.createDirectory(temp.resolve("classes"));
        ToolProvider javac = ToolProvider.findFirst("javac").orElseThrow();
        assertEquals(0,
                javac.run(System.out, System.err, "-d", classes.toString(), "-cp",
                        System.getProperty("java.class.path"),
                        COURSE.resolve("Pictures.java").toString()));
        Path drawn = temp.resolve("pictures");
        try (URLClassLoader loader = new URLClassLoader(new URL[] {classes.toUri().toURL()})) {
            var type = loader.loadClass("Pictures").getDeclaredConstructor();
            type.setAccessible(true);
            Object pictures = type.newInstance();
            var main = pictures.getClass().getDeclaredMethod("main", String[].class);
            main.setAccessible(true);
            main.invoke(pictures, (Object) new String[] {drawn.toString()});
        }
        try (Stream<Path> files = Files.list(drawn); Stream<Path> committed = Files.list(COURSE.resolve("pictures"))) {
            List<Path> all = files.sorted().toList();
            assertEquals(all.stream().map(f -> f.getFileName().toString()).toList(),
                    committed.map(f -> f.getFileName().toString()).sorted().toList());
            for (Path file : all) {
                String now = Files.readString(file);
                String before = Files.readString(COURSE.resolve("pictures").resolve(file.getFileName()));
                if (arithmetic(now).equals(arithmetic(before))) {
                    assertEquals(before, now,
                            "draw " + file.getFileName() + " again: bin/eslm run docs/course/Pictures.java");
                }
            }
        }
    }

    private static String arithmetic(String svg) {
        return svg.replaceFirst("(?s).*?(<!-- (.*?) -->|$).*", "$2");
    }

    @Test
    void linksLeadSomewhere() throws IOException {
        try (Stream<Path> files = Files.walk(COURSE)) {
            for (Path file : files.filter(f -> f.toString().endsWith(".md")).toList()) {
                LINK.matcher(Files.readString(file)).results().map(found -> found.group(1))
                        .filter(target -> !target.startsWith("http")).forEach(target -> assertTrue(
                                Files.exists(file.resolveSibling(target)), file + " links to " + target));
            }
        }
    }

    @Test
    void aWrongOutputIsNoticed(@TempDir Path temp) throws IOException {
        Path file = Files.writeString(temp.resolve("c.md"), """
                ```java
                int a = 1 + 1;   // ==> 2
                a * 3            // ==> 7
                IO.println(a)    // prints 2
                IO.println(a)
                0.5001           // ==> ≈0.5
                0.6              // ==> ≈0.5
                "abc"            // ==> "a…"
                tensor(1, 2, 3, 4).reshape(2, 2)
                // ==>
                // [[1.0, 2.0],
                //  [3.0, 5.0]] (2, 2) F32
                ```
                """);
        try (Script shell = new Script()) {
            List<String> lines =
                    Chapter.run(shell, file).stream().map(f -> f.replaceFirst("(?s).*c.md:(\\d+):.*", "$1")).toList();
            assertEquals(List.of("3", "7", "10", "5"), lines);
        }
    }
}
