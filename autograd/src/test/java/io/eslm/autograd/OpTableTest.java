// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** docs/ops.md lists every op and every method of Variable that applies one. */
class OpTableTest {
    private static final Pattern CODE = Pattern.compile("`([^`]+)`");

    @Test
    void everyOpIsInTheTable() throws IOException {
        assertEquals(OpScan.ops().stream().map(Class::getSimpleName).collect(Collectors.toCollection(TreeSet::new)),
                column(1));
    }

    @Test
    void everyMethodIsInTheTable() throws IOException {
        Set<String> methods = Stream.of(Variable.class.getMethods()).filter(m -> m.getReturnType() == Variable.class
                || m.getReturnType() == java.util.List.class && !Modifier.isStatic(m.getModifiers()))
                .map(m -> m.getName()).collect(Collectors.toCollection(TreeSet::new));
        methods.remove("apply");
        methods.remove("attention"); // no op of its own: the text below the table has it
        assertEquals(methods, column(2));
    }

    /** All that is quoted in a column of the tables. */
    private static Set<String> column(int column) throws IOException {
        return Files.readAllLines(Path.of("../docs/ops.md")).stream().filter(line -> line.startsWith("| `"))
                .flatMap(line -> CODE.matcher(line.replace("\\|", "").split("\\|")[column]).results())
                .map((MatchResult code) -> code.group(1)).collect(Collectors.toCollection(TreeSet::new));
    }
}
