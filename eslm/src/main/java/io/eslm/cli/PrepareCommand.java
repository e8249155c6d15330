// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import io.eslm.gpt2.checkpoint.ModelFolder;
import io.eslm.gpt2.tokenizer.Gpt2Tokenizer;
import picocli.CommandLine.Mixin;
import io.eslm.run.Run;
import io.eslm.gpt2.data.DataSource;
import io.eslm.gpt2.data.Domain;
import io.eslm.gpt2.data.TokenData;
import io.eslm.gpt2.data.TokenSet;
import io.eslm.gpt2.option.Option;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;

/** Turns text into token files that many runs can share. */
@Command(name = "prepare", header = "Turns text into a folder of token files (train.bin, val.bin, as nanoGPT's).",
        description = {"",
            "Token files open at once, and many runs can share them. A document ends with the token <|endoftext|>; in a text, "
                    + "<|endoftext|> is that token too. Text that train, compare or eval are given is prepared once and kept in "
                    + "~/.cache/eslm (XDG_CACHE_HOME). When that grows over 10 GB (ESLM_CACHE_GB), what no program uses goes, "
                    + "the longest unused first.",
            ""},
        footer = {
            "", "Examples:", "  eslm prepare --in book.txt --out data/book",
            "  eslm prepare --in jdk --out data/jdk --held-out 0.01", "  eslm train --data data/book"})
final class PrepareCommand extends EslmCommand {
    private static final Option<String> IN = Option.text("in", "PATH",
            "a text file, JSON lines (each {\"text\": …} is a document), a folder of such files (its subfolders become domains), "
                    + "- for the standard input, or jdk");
    private static final Option<Path> OUT = Option.path("out", "DIR", "the folder to write");
    private static final Option<Double> HELD_OUT =
            Option.number("held out", "SHARE", "share of the tokens to hold out for evaluation")
                    .must("be from 0 to 0.5", share -> share >= 0 && share <= 0.5)
                    .defaultsTo("0.1; jdk: 0.03", _ -> null);

    @Mixin
    private NoSpecial noSpecial;
    @CommandLine.Option(names = {"--follow-links", "--follow_links"}, order = Options.LATE,
            description = "follow symbolic links in a folder also where they lead out of it")
    private boolean followLinks;

    @Override
    void declare(CommandSpec command) {
        options.require(command, IN, OUT).add(command, "", List.of(HELD_OUT, Run.TOKENIZER));
    }

    @Override
    int run(Terminal screen) {
        Path out = options.get(OUT);
        TokenData data = DataSource.prepare(options.get(IN), out,
                options.find(HELD_OUT).map(OptionalDouble::of).orElseGet(OptionalDouble::empty), followLinks,
                options.find(Run.TOKENIZER).map(ModelFolder::tokenizerAt).orElseGet(Gpt2Tokenizer::new),
                noSpecial.specials(),
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
        return 0;
    }

    private static void add(Map<String, long[]> tokens, TokenSet set, int column) {
        List<Domain> domains = set.domains();
        domains.forEach(d -> tokens.computeIfAbsent(d.name(), _ -> new long[2])[column] += d.size());
    }

    private static String row(String name, long[] n) {
        return String.format(Locale.ROOT, "%-24s %,15d %,15d", name, n[0], n[1]);
    }
}
