// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench.library;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.lang.module.ModuleDescriptor.Requires;
import java.lang.module.ModuleFinder;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The archive that bin/package makes, for a user who has bash and no Java: unpacked elsewhere, it does its work. */
class ArchiveIT {
    private static final String SHAPE = " --n-layer=1 --n-head=1 --n-embd=8 --block-size=8 --batch-size=2 --max-iters=1"
            + " --warmup-iters=0 --eval-interval=0 --sample-interval=0 ";

    /** Nothing of the builder's environment; of programs bash alone, which the launcher's first line asks for. */
    private static final String ALONE = "env -i HOME=$PWD/someone PATH=$PWD/programs ";

    private static Path home;
    private static Newcomer newcomer;

    @BeforeAll
    static void installAndTrain(@TempDir Path dir) throws IOException {
        assumeTrue(Set.of("Linux", "Mac OS X").contains(System.getProperty("os.name")),
                "archives are for Linux and macOS");
        home = dir;
        newcomer = new Newcomer(dir);
        newcomer.write("book.txt", "A river stone, a copper lamp, and a little garden.\n".repeat(60));
        newcomer.shell(home, "mkdir someone programs && cp \"$(command -v bash)\" programs && '"
                + Published.ROOT.resolve("bin/package") + "' --jars '" + newcomer.jars() + "' --out packed"
                + " && mkdir 'in stalled' && tar -xzf packed/*.tar.gz -C 'in stalled'"
                + " && rm -r checkout && mv 'in stalled'/* place && ln -s ../place/bin/eslm programs/eslm").ok();
        eslm("train --data book.txt --out-dir model" + SHAPE).ok();
    }

    private static Newcomer.Outcome eslm(String arguments) throws IOException {
        return newcomer.shell(home, ALONE + "eslm " + arguments);
    }

    @Test
    void whatTrainNamesAsTheNextCommandWorks() throws IOException {
        String again = eslm("train --data book.txt --out-dir again" + SHAPE).ok();
        Matcher sample = Pattern.compile("sample: +(eslm .*)").matcher(again);
        assertTrue(sample.find(), again);
        newcomer.shell(home, ALONE + sample.group(1)).ok();
        assertTrue(eslm("sample --model model --prompt stone --max-new-tokens 1").ok().startsWith("stone"));
    }

    @Test
    void javaLineByLineAndFilesOfJavaRun() throws IOException {
        newcomer.write("shape.jsh", "IO.print(Shape.of(2, 3))\n");
        assertEquals("(2, 3)", eslm("shell shape.jsh").ok());
        newcomer.write("Greet.java", "void main() { IO.print(io.eslm.tensor.Shape.of(2, 3)); }");
        assertEquals("(2, 3)", eslm("run Greet.java").ok());
    }

    @Test
    void theRuntimeHasEveryModuleThatOursRequire() throws IOException {
        Set<String> missing = ModuleFinder.of(home.resolve("place/lib")).findAll().stream().map(m -> m.descriptor())
                .filter(module -> module.name().startsWith("io.eslm"))
                .flatMap(module -> module.requires().stream().map(Requires::name))
                .filter(name -> name.startsWith("java.") || name.startsWith("jdk."))
                .collect(Collectors.toCollection(TreeSet::new));
        missing.removeAll(newcomer.shell(home, "place/runtime/bin/java --list-modules").ok().lines()
                .map(line -> line.replaceFirst("@.*", "")).toList());
        assertEquals(Set.of(), missing, "bin/package must name them");
    }

    /** With this mode the JVM refuses to start where it cannot use the cache. */
    @Test
    void theCacheHoldsWhereverTheArchiveIsUnpacked() throws IOException {
        assertTrue(
                newcomer.shell(home, ALONE + "ESLM_JVM_OPTS=-XX:AOTMode=on eslm --version").ok().startsWith("eslm "));
        assertTrue(newcomer.shell(home, ALONE + "ESLM_JVM_OPTS=-XX:AOTMode=on eslm completion fish").ok()
                .startsWith("complete "));
        newcomer.shell(home, "cp -a place copy && rm copy/lib/aot-help").ok();
        String copy = ALONE + "ESLM_JVM_OPTS=-XX:AOTMode=on copy/bin/eslm --version";
        assertTrue(newcomer.shell(home, copy).ok().startsWith("renewing the cache of the JVM"), "none was packed");
        assertTrue(newcomer.shell(home, copy).ok().startsWith("eslm "), "and once is enough");
        assertEquals("", newcomer.shell(home, "find copy -newer place/lib/aot -type f").ok(),
                "it is the user's, in their home");
    }

    @Test
    void itComesWithLicencesPagesOfTheManualAndCompletions() {
        for (String file : new String[] {"LICENSE", "README.md", "CHANGELOG.md", "third-party/notices.txt",
            "runtime/legal/java.base/LICENSE", "share/man/man1/eslm-train.1", "share/bash-completion/completions/eslm",
            "share/zsh/site-functions/_eslm", "share/fish/vendor_completions.d/eslm.fish"}) {
            assertTrue(Files.exists(home.resolve("place").resolve(file)), file);
        }
    }

    @Test
    void whatOnlyACloneHasIsNamed() throws IOException {
        Newcomer.Outcome o = eslm("bench");
        assertEquals(1, o.exitCode());
        assertTrue(o.output().startsWith("eslm: bench: is not part of an installed ESLM"), o.output());
    }

    @Test
    void itServes() throws Exception {
        assumeTrue(eslm("--help").ok().lines().anyMatch(line -> line.matches(" +serve .*")), "there is no eslm serve");
        Process server = new ProcessBuilder("bash", "-c", "exec " + ALONE + "eslm serve --model model --port 0")
                .directory(home.toFile()).redirectErrorStream(true).start();
        try (var lines = server.inputReader(StandardCharsets.UTF_8); var client = HttpClient.newHttpClient()) {
            Matcher address = Pattern.compile("http://[\\w.\\[\\]:]+:\\d+").matcher("");
            String line = lines.readLine();
            while (line != null && !address.reset(line).find()) {
                line = lines.readLine();
            }
            URI health = URI.create(address.group() + "/health");
            assertEquals(200,
                    client.send(HttpRequest.newBuilder(health).build(), BodyHandlers.discarding()).statusCode());
        } finally {
            server.destroy();
        }
    }
}
