// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench.library;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.spi.ToolProvider;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;

/**
 * A user who has the published jars and bin/eslm, and nothing else of this project. Maven fills their local repository from
 * the one that built this project, so nothing is downloaded. Their programs run in processes of their own.
 */
final class Newcomer {
    private static final Path JDK = Path.of(System.getProperty("java.home"));
    private static final int MINUTES = 5;

    /** The exit code of a process, and what it printed: both streams together. */
    record Outcome(int exitCode, String output) {
        /** The output of a process that must have succeeded. */
        String ok() {
            assertEquals(0, exitCode, output);
            return output;
        }
    }

    private final Path home;
    private final String path;
    private final List<Path> classPath;
    private final Path program;

    /** @param home an empty folder */
    Newcomer(Path home) throws IOException {
        this.home = home;
        path = JDK.resolve("bin") + ":" + System.getProperty("maven.home", "/nowhere") + "/bin:"
                + System.getenv("PATH");
        skipWithoutMaven();
        for (Published artifact : Published.ALL) {
            artifact.installInto(home.resolve("repository"));
        }
        write("settings.xml", """
                <settings><mirrors><mirror>
                    <id>built-with</id><mirrorOf>*</mirrorOf><url>%s</url>
                </mirror></mirrors></settings>
                """.formatted(Path.of(System.getProperty("maven.repository")).toUri()));
        classPath = classPath();
        program = program();
    }

    private void skipWithoutMaven() {
        if (Stream.of(path.split(":")).noneMatch(folder -> Files.isExecutable(Path.of(folder, "mvn")))) {
            String why = "SKIPPED: there is no 'mvn' on the PATH to try the published jars with";
            System.err.println(why);
            Assumptions.abort(why);
        }
    }

    /** The jars of a project that depends on {@code eslm} alone. */
    private List<Path> classPath() throws IOException {
        Path project = project("everything", """
                <dependencies><dependency>
                    <groupId>io.eslm</groupId><artifactId>eslm</artifactId><version>%s</version>
                </dependency></dependencies>
                """.formatted(Published.version()));
        String printed = shell(project, "mvn exec:exec -Dexec.executable=echo -Dexec.args=%classpath").ok().lines()
                .filter(line -> line.contains("eslm-tensor")).findFirst().orElseThrow(); // not the JVM's warnings
        return Stream.of(printed.split(":")).filter(entry -> entry.endsWith(".jar")).map(Path::of).toList();
    }

    /** The folder of those jars. */
    Path jars() {
        return home.resolve("checkout/target/eslm/app.published");
    }

    /** Copies bin/eslm, and those jars to where it looks for its newest build. */
    private Path program() throws IOException {
        Path build = Files.createDirectories(jars());
        for (Path jar : classPath) {
            Files.copy(jar, build.resolve(jar.getFileName()));
        }
        write("checkout/target/eslm/current", build.getFileName().toString());
        Path bin = Files.createDirectories(home.resolve("checkout/bin"));
        for (String file : new String[] {"eslm", "jvm-flags", "jvm-flags-help", "no-jdk.txt"}) {
            Files.copy(Published.ROOT.resolve("bin").resolve(file), bin.resolve(file));
        }
        return bin.resolve("eslm");
    }

    /** Writes a file, given by its path from this user's home. */
    Path write(String file, String text) throws IOException {
        Path target = home.resolve(file);
        Files.createDirectories(target.getParent());
        return Files.writeString(target, text);
    }

    /**
     * Makes the folder of a Maven project, with plugins of the versions that built ESLM.
     *
     * @param elements of its POM
     */
    Path project(String name, String elements) throws IOException {
        write(name + "/.mvn/maven.config", """
                --quiet
                -Dstyle.color=never
                --settings=%1$s/settings.xml
                --global-settings=%1$s/settings.xml
                -Dmaven.repo.local=%1$s/repository
                """.formatted(home));
        return write(name + "/pom.xml", """
                <project xmlns="http://maven.apache.org/POM/4.0.0">
                <modelVersion>4.0.0</modelVersion>
                <groupId>com.example</groupId><artifactId>%s</artifactId><version>1</version>
                %s
                <build><pluginManagement><plugins>
                    %s
                    %s
                    %s
                </plugins></pluginManagement></build>
                </project>
                """.formatted(name, elements, plugin("org.apache.maven.plugins", "maven-compiler-plugin"),
                plugin("org.apache.maven.plugins", "maven-resources-plugin"),
                plugin("org.codehaus.mojo", "exec-maven-plugin"))).getParent();
    }

    private static String plugin(String group, String id) {
        String version = Published.find("<artifactId>" + id + "</artifactId>\\s*<version>(.+?)</version>", "pom.xml");
        return "<plugin><groupId>%s</groupId><artifactId>%s</artifactId><version>%s</version></plugin>"
                .formatted(group, id, version);
    }

    /** Runs a line of shell. */
    Outcome shell(Path folder, String line) throws IOException {
        return run(folder, Map.of(), "bash", "-c", line);
    }

    /** Runs bin/eslm in this user's home. */
    Outcome eslm(Map<String, String> environment, String... arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of(program.toString()));
        command.addAll(List.of(arguments));
        return run(home, environment, command.toArray(String[]::new));
    }

    private Outcome run(Path folder, Map<String, String> environment, String... command) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true);
        builder.environment().keySet().removeIf(name -> name.startsWith("ESLM_") || name.equals("TORNADOVM_HOME"));
        builder.environment().putAll(Map.of("HOME", home.toString(), "JAVA_HOME", JDK.toString(),
                "ESLM_JAVA_HOME", JDK.toString(), "PATH", path));
        builder.environment().putAll(environment);
        Process process = builder.start();
        process.getOutputStream().close();
        CompletableFuture.delayedExecutor(MINUTES, TimeUnit.MINUTES).execute(process::destroyForcibly);
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return new Outcome(process.onExit().join().exitValue(), output);
    }

    /**
     * Compiles this user's sources against the published jars and packs them.
     *
     * @param files by their path in the jar; those whose name ends in .java are compiled
     */
    Path jar(String name, Map<String, String> files) throws IOException {
        Path content = home.resolve(name);
        List<String> javac = new ArrayList<>(List.of("-d", content.toString(), "--class-path",
                classPath.stream().map(Path::toString).collect(Collectors.joining(File.pathSeparator))));
        for (String file : files.keySet()) {
            Path source = write(name + "/" + file, files.get(file));
            if (file.endsWith(".java")) {
                javac.add(source.toString());
            }
        }
        Path jar = home.resolve(name + ".jar");
        tool("javac", javac.toArray(String[]::new));
        tool("jar", "--create", "--file", jar.toString(), "-C", content.toString(), ".");
        return jar;
    }

    private static void tool(String name, String... arguments) {
        assertEquals(0, ToolProvider.findFirst(name).orElseThrow().run(System.out, System.err, arguments), name);
    }
}
