// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import io.eslm.gpt2.tokenizer.BpeTrainer;
import java.util.Optional;
import io.eslm.gpt2.tokenizer.Tokenizer;
import io.eslm.tensor.UserError;
import io.eslm.gpt2.checkpoint.ModelFolder;
import io.eslm.gpt2.tokenizer.Gpt2Tokenizer;
import picocli.CommandLine.Mixin;
import io.eslm.run.Run;
import io.eslm.gpt2.data.DataSource;
import io.eslm.gpt2.data.DataSpec;
import io.eslm.gpt2.data.Domain;
import io.eslm.gpt2.data.TokenData;
import io.eslm.gpt2.data.TokenSet;
import io.eslm.gpt2.option.Option;
import java.nio.file.Path;
import java.util.ArrayList;
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
                    + "the longest unused first. A preparation that was stopped goes on when it is started again.",
            ""},
        footer = {
            "", "Examples:", "  eslm prepare --in book.txt --out data/book",
            "  eslm prepare --in jdk --out data/jdk --held-out 0.01",
            "  eslm prepare --in 'web/*.parquet' --text-field content --domain-field lang --deduplicate --out data/web",
            "  eslm prepare --in web=pages.jsonl.zst:0.7 --in code=src/:0.3 --out data/mix",
            "  eslm prepare --in book.txt --out data/own --vocab-size 4096 --special \"<|user|>\"",
            "  eslm train --data data/book"})
public final class PrepareCommand extends EslmCommand {
    private static final Option<String> IN = Option.text("in", "PATH",
            "a text file, JSON lines, JSON, CSV, TSV or Parquet, also in .gz or .zst; a folder of these (its subfolders become "
                    + "domains), 'a/*.pattern', an http address, - for the standard input, or jdk. Several as NAME=PATH:WEIGHT");
    private static final Option<Path> OUT = Option.path("out", "DIR", "the folder to write");

    private static final Option<Integer> VOCAB_SIZE = Option.count("vocab size",
            "learn a byte-level BPE of N tokens from the text that is not held out, instead of taking one that exists")
            .must("be at least 257", n -> n > 256).defaultsTo("none", _ -> null);

    @CommandLine.Option(names = "--special", paramLabel = "TEXT", order = Options.LATE,
            description = "with --vocab-size: one more special token, besides <|endoftext|>; can be given several times")
    private List<String> special = new ArrayList<>();
    @Mixin
    private NoSpecial noSpecial;
    @CommandLine.Option(names = {"--follow-links", "--follow_links"}, order = Options.LATE,
            description = "follow symbolic links in a folder also where they lead out of it")
    private boolean followLinks;

    @Override
    protected void declare(CommandSpec command) {
        options.require(command, IN, OUT).add(command, "", List.of(Run.TOKENIZER, VOCAB_SIZE, DataSource.SHARD_TOKENS))
                .add(command, "Documents", DataSpec.options());
    }

    @Override
    protected int run(Terminal screen) {
        Path out = options.get(OUT);
        DataSource.Target target =
                new DataSource.Target(out, OptionalDouble.empty(), followLinks, options.get(DataSource.SHARD_TOKENS));
        options.foldSettings(IN, DataSpec.options());
        String in = DataSource.lasting(options.get(IN), screen.progress());
        TokenData data = DataSource.prepare(in, target, tokenizer(in, target, screen),
                noSpecial.specials(), screen.progress());
        Map<String, long[]> tokens = new LinkedHashMap<>();
        add(tokens, data.train(), 0);
        data.val().ifPresent(val -> add(tokens, val, 1));
        show(screen, out + ": " + data.source(), tokens);
        return 0;
    }

    /**
     * Shows how many tokens there are to train on and held out.
     *
     * @param tokens of both kinds, by domain
     */
    public static void show(Terminal screen, String what, Map<String, long[]> tokens) {
        screen.result(what);
        screen.result(String.format(Locale.ROOT, "%-24s %15s %15s", "domain", "train tokens", "held out"));
        tokens.forEach((name, n) -> screen.result(row(name, n)));
        if (tokens.size() > 1) {
            screen.result(row("total", tokens.values().stream()
                    .reduce(new long[2], (a, b) -> new long[] {a[0] + b[0], a[1] + b[1]})));
        }
    }

    private Tokenizer tokenizer(String in, DataSource.Target target, Terminal screen) {
        Optional<Integer> size = options.find(VOCAB_SIZE);
        if (size.isEmpty()) {
            if (!special.isEmpty()) {
                throw new UserError("--special: only a vocabulary that is learned (--vocab-size) takes new tokens");
            }
            return options.find(Run.TOKENIZER).map(ModelFolder::tokenizerAt).orElseGet(Gpt2Tokenizer::new);
        }
        if (options.has(Run.TOKENIZER)) {
            throw new UserError("--vocab-size learns a tokenizer, and --tokenizer names one: give one of them");
        }
        BpeTrainer.Settings settings = BpeTrainer.Settings.of(size.get(), special.toArray(String[]::new));
        BpeTrainer.Trained trained =
                DataSource.learn(in, target, settings, screen.progress());
        screen.note(String.format(Locale.ROOT, "learned %,d tokens from %,d bytes of text, %,d different pieces",
                trained.vocabulary().size(), trained.textBytes(), trained.differentPieces()));
        trained.shortfall().ifPresent(text -> screen.note("note: " + text));
        return trained.vocabulary().tokenizer();
    }

    private static void add(Map<String, long[]> tokens, TokenSet set, int column) {
        List<Domain> domains = set.domains();
        domains.forEach(d -> tokens.computeIfAbsent(d.name(), _ -> new long[2])[column] += d.size());
    }

    private static String row(String name, long[] n) {
        return String.format(Locale.ROOT, "%-24s %,15d %,15d", name, n[0], n[1]);
    }
}
