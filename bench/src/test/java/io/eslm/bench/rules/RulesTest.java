// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench.rules;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** Holds the rules over the whole repository, and each rule over a source that breaks it. */
class RulesTest {
    private static final Path ROOT = root();
    private static final List<Source> SOURCES = Source.all(ROOT);

    @Test
    void everyFileNamesItsLicence() { assertNone(SOURCES.stream().flatMap(Rules::spdx).toList()); }

    @Test
    void nothingPointsBack() { assertNone(SOURCES.stream().flatMap(Rules::arrow).toList()); }

    @Test
    void acceleratorsStayBehindTheSeam() { assertNone(SOURCES.stream().flatMap(Rules::seam).toList()); }

    @Test
    void vectorsHaveOneSpecies() { assertNone(SOURCES.stream().flatMap(Rules::species).toList()); }

    @Test
    void onlyCommandLinesNameFlags() { assertNone(SOURCES.stream().flatMap(Rules::flags).toList()); }

    @Test
    void filesAndMethodsKeepTheirSize() throws IOException { assertNone(Rules.size(SOURCES, sizeLimits())); }

    @Test
    void everyModuleIsSeen() {
        var lines = SOURCES.stream()
                .filter(Source::inMain)
                .collect(Collectors.groupingBy(Source::module, LinkedHashMap::new,
                        Collectors.summingLong(Source::lineCount)));
        System.out.println("lines of main code: " + lines);
        assertTrue(lines.keySet().containsAll(List.of("tensor", "autograd", "gpt2", "eslm", "bench")), lines::toString);
    }

    @Test
    void aMissingLicenceIsNoticed() {
        assertEquals(1, Rules.spdx(Source.parse("eslm/src/main/java/A.java", "class A {}")).count());
        assertEquals(0, Rules.spdx(Source.parse("eslm/src/main/java/A.java", Rules.SPDX + "\nclass A {}")).count());
    }

    @Test
    void anArrowBackIsNoticed() {
        var imported = "import io.eslm.gpt2.Gpt2; class A {}";
        var qualified = "class A { /* io.eslm.bench.Main */ Object o = new io.eslm.select.TokenRisk(); }";
        assertEquals(1, Rules.arrow(Source.parse("autograd/src/main/java/A.java", imported)).count());
        assertEquals(1, Rules.arrow(Source.parse("gpt2/src/test/java/A.java", qualified)).count());
        assertEquals(1, Rules.arrow(Source.parse("tensor/tornado/src/main/java/A.java", imported)).count());
        assertEquals(1,
                Rules.arrow(Source.parse("bench/src/main/java/A.java", "import io.eslm.spark.Cluster; class A {}"))
                        .count());
        assertEquals(0, Rules.arrow(Source.parse("eslm/spark/src/main/java/A.java",
                "import io.eslm.spark.Cluster; import io.eslm.gpt2.Gpt2; class A {}")).count());
        assertEquals(0, Rules.arrow(Source.parse("gpt2/src/main/java/A.java", imported)).count());
        assertEquals(0, Rules.arrow(Source.parse("eslm/src/main/java/A.java", qualified)).count());
    }

    @Test
    void anAcceleratorOutsideItsPackageIsNoticed() {
        var vector = "import jdk.incubator.vector.FloatVector; class A {}";
        var tornado = "import static uk.ac.manchester.tornado.api.TaskGraph.*; class A {}";
        assertEquals(1, Rules.seam(Source.parse("autograd/src/main/java/A.java", vector)).count());
        assertEquals(1, Rules.seam(Source.parse("tensor/src/main/java/io/eslm/tensor/A.java", vector)).count());
        assertEquals(0,
                Rules.seam(Source.parse("tensor/src/main/java/io/eslm/tensor/backend/vector/A.java", vector)).count());
        assertTrue(Rules.seam(Source.parse("gpt2/src/test/java/A.java", tornado)).count() > 0);
        assertEquals(0, Rules.seam(Source.parse("tensor/tornado/src/main/java/A.java", tornado)).count());
        var spark = "import org.apache.spark.SparkConf; class A {}";
        assertEquals(1, Rules.seam(Source.parse("eslm/src/main/java/A.java", spark)).count());
        assertEquals(0, Rules.seam(Source.parse("eslm/spark/src/main/java/A.java", spark)).count());
    }

    @Test
    void aSecondSpeciesIsNoticed() {
        var path = "tensor/src/main/java/io/eslm/tensor/backend/vector/A.java";
        assertEquals(1, Rules.species(Source.parse(path, "class A { Object o = FloatVector.SPECIES_256; }")).count());
        assertEquals(0,
                Rules.species(Source.parse(path, "class A { Object o = FloatVector.SPECIES_PREFERRED; }")).count());
    }

    @Test
    void aFlagInTheLibraryIsNoticed() {
        var flag = "class A { /* --seed */ String s = \"seed 1 -- not --seed \" + \"a--b --add-modules\"; }";
        assertEquals(List.of("--seed"), Rules.flags(Source.parse("gpt2/src/main/java/A.java", flag))
                .map(fault -> fault.replaceFirst(".*the flag (\\S+) .*", "$1")).toList());
        assertEquals(0, Rules.flags(Source.parse("gpt2/src/test/java/A.java", flag)).count());
        assertEquals(0, Rules.flags(Source.parse("eslm/src/main/java/io/eslm/cli/A.java", flag)).count());
        assertEquals(1, Rules.flags(Source.parse("eslm/src/main/java/io/eslm/run/A.java", flag)).count());
        assertEquals(0, Rules.flags(Source.parse("bench/src/main/java/io/eslm/bench/A.java", flag)).count());
    }

    @Test
    void aLongFileOrMethodIsNoticedUnlessExcepted() {
        var path = "eslm/src/main/java/A.java";
        var method = Source.parse(path, "class A {\nvoid f() {" + "\n".repeat(Rules.METHOD_LINES) + "}\n}");
        var file = Source.parse(path, "class A {" + "\n".repeat(Rules.FILE_LINES) + "}");
        assertEquals(List.of(new Source.Method("f", Rules.METHOD_LINES + 1)), method.methods());
        assertEquals(1, Rules.size(List.of(method), Map.of()).size());
        assertEquals(1, Rules.size(List.of(file), Map.of()).size());
        assertEquals(0, Rules.size(List.of(file), Map.of(path, 500)).size());
        assertEquals(1, Rules.size(List.of(file), Map.of(path, 601)).size(), "above the highest exception");
        assertEquals(1, Rules.size(List.of(), Map.of(path, 500)).size(), "an exception that nothing needs");
    }

    /** Lines of {@code path[#method] limit reason}; a missing reason is a fault. */
    private static Map<String, Integer> sizeLimits() throws IOException {
        var limits = new LinkedHashMap<String, Integer>();
        for (var line : Files.readAllLines(ROOT.resolve("tools/size-limits.txt"))) {
            if (line.isBlank() || line.startsWith("#")) {
                continue;
            }
            var parts = line.strip().split("\\s+", 3);
            if (parts.length < 3) {
                fail("tools/size-limits.txt: '" + line + "' needs three parts: path limit reason");
            }
            limits.put(parts[0], Integer.valueOf(parts[1]));
        }
        return limits;
    }

    private static Path root() {
        var folder = Path.of("").toAbsolutePath();
        while (!Files.exists(folder.resolve("tools/size-limits.txt"))) {
            folder = folder.getParent();
        }
        return folder;
    }

    private static void assertNone(Collection<String> faults) {
        if (!faults.isEmpty()) {
            fail(faults.size() + " found:\n  " + String.join("\n  ", faults));
        }
    }
}
