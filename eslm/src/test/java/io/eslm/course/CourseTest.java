// SPDX-License-Identifier: Apache-2.0
package io.eslm.course;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.shell.Script;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
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
            assertTrue(Files.readString(chapter).contains("(solutions/" + chapter.getFileName() + ")"), "names its solutions");
            assertEquals("", String.join("\n\n", Chapter.run(shell, solutions)));
        }
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
            List<String> lines = Chapter.run(shell, file).stream().map(f -> f.replaceFirst("(?s).*c.md:(\\d+):.*", "$1")).toList();
            assertEquals(List.of("3", "7", "10", "5"), lines);
        }
    }
}
