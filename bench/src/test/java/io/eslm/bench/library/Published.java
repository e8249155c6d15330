// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench.library;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * An artifact that {@code mvn install} publishes, as the build left it.
 *
 * @param id its artifact id
 * @param folder of its module, relative to the repository
 * @param jars whether it has jars, or is a POM alone
 */
record Published(String id, String folder, boolean jars) {
    static final Path ROOT = Path.of("").toAbsolutePath().getParent();

    static final List<Published> ALL = List.of(
            new Published("eslm-parent", "", false),
            new Published("eslm-bom", "bom", false),
            new Published("eslm-tensor", "tensor", true),
            new Published("eslm-autograd", "autograd", true),
            new Published("eslm-gpt2", "gpt2", true),
            new Published("eslm", "eslm", true));

    static List<Published> libraries() {
        return ALL.stream().filter(Published::jars).toList();
    }

    Path pom() {
        return ROOT.resolve(folder).resolve("pom.xml");
    }

    /** @param kind "" for the classes, "-sources" or "-javadoc" */
    Path jar(String kind) {
        Path jar = ROOT.resolve(folder).resolve("target").resolve(id + "-" + version() + kind + ".jar");
        if (!Files.exists(jar)) {
            throw new AssertionError("there is no " + jar + ": run mvn verify, which packages before it tests this");
        }
        return jar;
    }

    /** Copies the POM and the jar to where {@code mvn install} puts them in a local repository. */
    void installInto(Path repository) throws IOException {
        Path target = Files.createDirectories(repository.resolve("io/eslm").resolve(id).resolve(version()));
        Files.copy(pom(), target.resolve(id + "-" + version() + ".pom"));
        if (jars) {
            Files.copy(jar(""), target.resolve(jar("").getFileName()));
        }
    }

    static String version() {
        return find("<version>(.+?)</version>", "bom/pom.xml");
    }

    /** Group 1 of the first match in a file of the repository. */
    static String find(String regex, String file) {
        try {
            Matcher matcher = Pattern.compile(regex, Pattern.DOTALL).matcher(Files.readString(ROOT.resolve(file)));
            if (!matcher.find()) {
                throw new AssertionError(file + " has nothing that matches " + regex);
            }
            return matcher.group(1);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }
}
