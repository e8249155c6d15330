// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench.rules;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Launchers, workflows, the changelog and the list of dependencies say the same as what they belong to. */
class DistributionTest {
    private static final Path ROOT = Path.of("").toAbsolutePath().getParent();
    private static final List<String> MODULES =
            List.of("", "bom", "tensor", "tensor/tornado", "autograd", "gpt2", "eslm", "eslm/spark", "bench");

    private static String read(String file) throws IOException {
        return Files.readString(ROOT.resolve(file));
    }

    private static Stream<MatchResult> all(String regex, String text) {
        return Pattern.compile(regex, Pattern.DOTALL).matcher(text).results();
    }

    /** What both launchers name, so that a change of one is a change of the other. */
    @ParameterizedTest
    @ValueSource(strings = {"jvm-flags", "aot-help", "io.eslm.cli.Main train --help", "no-jdk.txt", "ESLM_JAVA_HOME",
        "ESLM_JVM_OPTS", "ESLM_CLASSPATH",
        "-Deslm.program=eslm",
        "--sun-misc-unsafe-memory-access=allow", "io.eslm.cli.Main", "io.eslm.bench.Main", "-XX:AOTCacheOutput=",
        "-XX:AOTCache=",
        "JAVA_VERSION=\"25", "-q -Dquick -Dbuild.dir=target/app -Dmaven.test.skip=true package",
        "building (first use takes a minute) …",
        "is not a JDK 25", "run: which file?", "run: there is no file $main",
        "is not a Java source file: its name must end in .java",
        "bench: is not part of an installed ESLM", "the build failed; its whole output is in $log"})
    void bothLaunchersName(String words) throws IOException {
        for (String launcher : List.of("bin/eslm", "bin/eslm.ps1")) {
            assertTrue(read(launcher).contains(words), launcher + " lacks: " + words);
        }
    }

    @Test
    void theFlagsOfTheJvmStandInOneFile() throws IOException {
        List<String> flags = read("bin/jvm-flags").lines().filter(line -> !line.startsWith("#") && !line.isBlank())
                .flatMap(line -> Stream.of(line.split(" "))).toList();
        assertTrue(flags.contains("--add-modules=jdk.incubator.vector"), flags::toString);
        for (String launcher : List.of("bin/eslm", "bin/eslm.ps1", "bin/eslm.cmd")) {
            for (String flag : flags) {
                assertTrue(!read(launcher).contains(flag), launcher + " repeats " + flag + " of bin/jvm-flags");
            }
        }
    }

    @Test
    void actionsArePinnedAndTheChecksAreThoseOfTheReadme() throws IOException {
        try (var files = Files.list(ROOT.resolve(".github/workflows"))) {
            for (Path file : files.toList()) {
                String text = Files.readString(file);
                all("uses: (\\S+)", text).map(found -> found.group(1)).forEach(action -> assertTrue(
                        action.matches("[\\w/-]+@v\\d+\\.\\d+\\.\\d+"), file + " names no version of " + action));
                assertTrue(text.indexOf('\t') < 0 && text.contains("\npermissions:\n"), file.toString());
            }
        }
        assertTrue(read(".github/workflows/ci.yml").contains("- run: mvn verify\n"));
    }

    @Test
    void theChangelogHasTheVersionOfThePoms() throws IOException {
        String version = all("<version>(.+?)</version>", read("bom/pom.xml")).findFirst().orElseThrow().group(1);
        assertTrue(read("CHANGELOG.md").contains("\n## [" + version + "]"),
                "CHANGELOG.md has no section for " + version);
    }

    @Test
    void everyDependencyHasAReason() throws IOException {
        var named = new TreeSet<String>();
        for (String module : MODULES) {
            String pom = read(Path.of(module, "pom.xml").toString());
            Stream.of("dependency", "plugin", "path").flatMap(element -> all("<(" + element + ")>(.*?)</\\1>", pom))
                    .map(found -> name(found.group(2))).filter(name -> !name.startsWith("io.eslm:"))
                    .forEach(named::add);
        }
        var listed =
                all("\n\\| `(\\S+:\\S+)` \\| [^|\n]{8,} \\|", read("docs/dependencies.md")).map(found -> found.group(1))
                        .collect(Collectors.toCollection(TreeSet::new));
        assertEquals(named, listed, "docs/dependencies.md must name what the POMs name, each with its reason");
    }

    /** {@code group:artifact} of an element; a plugin without a group is Maven's. */
    private static String name(String element) {
        String before = element.replaceAll("(?s)<(configuration|executions|exclusions)\\b.*", "");
        return all("<groupId>(.+?)</groupId>", before).findFirst().map(found -> found.group(1))
                .orElse("org.apache.maven.plugins")
                + ":" + all("<artifactId>(.+?)</artifactId>", before).findFirst().orElseThrow().group(1);
    }
}
