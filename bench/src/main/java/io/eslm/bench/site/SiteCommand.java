// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench.site;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** What {@code bin/site} runs. */
@Command(name = "site", mixinStandardHelpOptions = true,
        description = "Builds the documentation as web pages: guides, course and Javadoc, with one search.")
public final class SiteCommand implements Callable<Integer> {
    private static final List<String> MODULES = List.of("tensor", "autograd", "gpt2", "eslm");

    @Option(names = "--root", paramLabel = "DIR", description = "the project's folder (default: this one)")
    private Path root = Path.of("");
    @Option(names = "--out", paramLabel = "DIR", description = "where to write (default: target/site in the project)")
    private Path out;
    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws IOException {
        Path project = root.toAbsolutePath().normalize();
        Path folder = out == null ? project.resolve("target/site") : out.toAbsolutePath().normalize();
        Map<String, Path> modules = new LinkedHashMap<>();
        MODULES.forEach(module -> modules.put(module.equals("eslm") ? "io.eslm" : "io.eslm." + module,
                project.resolve(module).resolve("src/main/java")));
        int pages = Site.build(project, folder, modules);
        spec.commandLine().getOut().printf("%d pages: %s%n", pages, folder.resolve("index.html"));
        return 0;
    }
}
