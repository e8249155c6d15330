// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import io.eslm.gpt2.data.DataSource;
import io.eslm.gpt2.data.Domain;
import io.eslm.gpt2.data.TokenData;
import io.eslm.gpt2.data.TokenSet;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** Turns text into token files once, so that many runs can share them. */
@Command(name = "prepare", header = "Turns text into a folder of token files (train.bin, val.bin, as nanoGPT's).",
        footer = {
            "", "Examples:", "  eslm prepare --in book.txt --out data/book",
            "  eslm prepare --in jdk --out data/jdk --held-out 0.01", "  eslm train --data data/book"})
final class PrepareCommand implements Runnable {
    @ParentCommand
    private Main program;
    @Spec
    private CommandSpec spec;
    @Option(names = "--in", required = true, paramLabel = "PATH", description = "a text file, a folder of text (its "
            + "subfolders become domains), or jdk")
    private String in;
    @Option(names = "--out", required = true, paramLabel = "DIR", description = "the folder to write")
    private Path out;
    @Option(names = {"--held-out", "--held_out"}, paramLabel = "SHARE",
            description = "share of the tokens to hold out for evaluation, 0 to 0.5 (default: 0.1; jdk: 0.03)")
    private Double heldOut;

    @Override
    public void run() {
        try (Terminal screen = program.screen(spec.commandLine())) {
            TokenData data =
                    DataSource.prepare(in, out, heldOut == null ? OptionalDouble.empty() : OptionalDouble.of(heldOut),
                            screen.progress());
            Map<String, long[]> tokens = new LinkedHashMap<>();
            add(tokens, data.train(), 0);
            data.val().ifPresent(val -> add(tokens, val, 1));
            screen.result(out + ": " + data.source());
            screen.result(String.format(Locale.ROOT, "%-24s %15s %15s", "domain", "train tokens", "held out"));
            tokens.forEach((name, n) -> screen.result(row(name, n)));
            if (tokens.size() > 1) {
                screen.result(row("total", tokens.values().stream()
                        .reduce(new long[2], (a, b) -> new long[] {a[0] + b[0], a[1] + b[1]})));
            }
        }
    }

    private static void add(Map<String, long[]> tokens, TokenSet set, int column) {
        List<Domain> domains = set.domains();
        domains.forEach(d -> tokens.computeIfAbsent(d.name(), _ -> new long[2])[column] += d.size());
    }

    private static String row(String name, long[] n) {
        return String.format(Locale.ROOT, "%-24s %,15d %,15d", name, n[0], n[1]);
    }
}
