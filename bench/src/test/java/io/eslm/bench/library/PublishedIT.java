// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench.library;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.module.ModuleFinder;
import java.nio.file.Files;
import java.time.LocalDateTime;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.MethodSource;

/** What a build publishes is what Maven Central asks of a library, and the same bytes every time. */
class PublishedIT {
    private static final LocalDateTime BUILT = LocalDateTime.parse(
            Published.find("<project.build.outputTimestamp>(.+?)Z</project.build.outputTimestamp>", "pom.xml"));

    /** A time of the build in one entry makes two builds differ: tools/reproducible compares them byte by byte. */
    @ParameterizedTest
    @MethodSource("io.eslm.bench.library.Published#libraries")
    void jarsHoldNoTimeOfTheBuild(Published library) throws IOException {
        for (String kind : new String[] {"", "-sources", "-javadoc"}) {
            try (ZipFile jar = new ZipFile(library.jar(kind).toFile())) {
                Set<String> dated = new TreeSet<>();
                jar.stream().filter(entry -> !entry.getTimeLocal().equals(BUILT)).map(ZipEntry::getName)
                        .forEach(dated::add);
                assertEquals(Set.of(), dated, jar.getName());
            }
        }
    }

    @ParameterizedTest
    @MethodSource("io.eslm.bench.library.Published#libraries")
    void everyPublicPackageHasSourcesAndJavadoc(Published library) throws IOException {
        var module = ModuleFinder.of(library.jar("")).findAll().iterator().next().descriptor();
        assertEquals(library.id().equals("eslm") ? "io.eslm" : "io." + library.id().replace('-', '.'), module.name());
        try (ZipFile sources = new ZipFile(library.jar("-sources").toFile());
                ZipFile javadoc = new ZipFile(library.jar("-javadoc").toFile())) {
            for (var exported : module.exports()) {
                String folder = exported.source().replace('.', '/');
                assertTrue(sources.stream().anyMatch(entry -> entry.getName().startsWith(folder)), folder);
                String page = module.name() + "/" + folder + "/package-summary.html";
                assertTrue(javadoc.getEntry(page) != null, page);
            }
        }
    }

    @Test
    void theBomListsTheLibrariesAndNothingElse() {
        String list = Published.find("<dependencyManagement>(.+?)</dependencyManagement>", "pom.xml");
        assertEquals(Published.libraries().stream().map(Published::id).toList(),
                Pattern.compile("<artifactId>(.+?)</artifactId>").matcher(list).results().map(found -> found.group(1))
                        .toList());
    }

    @ParameterizedTest
    @FieldSource("io.eslm.bench.library.Published#ALL")
    void thePomSaysWhatCentralAsksFor(Published artifact) throws IOException {
        String pom = Files.readString(artifact.pom());
        for (String element : new String[] {"name", "description"}) {
            assertTrue(pom.contains("\n    <" + element + ">"), artifact.pom() + " has no " + element);
        }
        for (String element : new String[] {"url", "licenses", "developers", "scm"}) {
            assertTrue(pom.contains("\n    <" + element) || pom.contains("\n    <parent>"),
                    artifact.pom() + " has no " + element + " and no parent that has it");
        }
        assertTrue(pom.contains("<version>" + Published.version() + "</version>"),
                artifact.pom() + " has another version");
    }
}
