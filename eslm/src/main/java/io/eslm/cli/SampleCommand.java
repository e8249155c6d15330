// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import picocli.CommandLine.Mixin;
import java.util.Optional;
import io.eslm.gpt2.tokenizer.Tokenizer;
import io.eslm.tensor.UserError;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.WeightFormat;
import io.eslm.gpt2.checkpoint.ModelFolder;
import io.eslm.gpt2.generate.Generator;
import io.eslm.gpt2.generate.Sampling;
import io.eslm.gpt2.option.Option;
import io.eslm.gpt2.option.OptionError;
import io.eslm.gpt2.option.OptionValues;
import io.eslm.tensor.backend.Backend;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;

/** Generates text with a model. */
@Command(name = "sample", header = "Continues a prompt, token by token.", description = {"",
    "Prints the text as it is generated. Several texts that fit the model's context are made at once, and each is printed when it is done. The same seed gives the same text. <|endoftext|> in a prompt is the token that ends a "
            + "document, as in training data.",
    ""},
        footer = {"",
            "Examples:", "  eslm sample --model runs/jdk-cvar-loss-0.1 --prompt \"Returns the\"",
            "  eslm sample --model gpt2/ --prompt \"Once upon a time\" --top-p 0.9 --num-samples 3",
            "  eslm sample --model gpt2/ --prompts questions.txt --stop . --json",
            "  eslm sample --model gpt2/ --interactive"})
final class SampleCommand extends EslmCommand {
    private static final Option<Integer> NUM_SAMPLES =
            Option.count("num samples", "number of texts").must("be at least 1", n -> n >= 1).defaultsTo(1);

    @CommandLine.Option(names = {"--prompt", "--start"}, paramLabel = "TEXT",
            description = "the text to continue, FILE:path for the text of a file, or - for the standard input; can be given "
                    + "several times (default: the beginning of a document)")
    private List<String> given = new ArrayList<>();
    @CommandLine.Option(names = "--prompts", paramLabel = "FILE",
            description = "prompts from a file, one a line, or JSON lines with a field \"prompt\"; - is the standard input")
    private Path prompts;
    @CommandLine.Option(names = "--stop", paramLabel = "TEXT",
            description = "end a text before this one; can be given several times")
    private List<String> stops = new ArrayList<>();
    @CommandLine.Option(names = "--interactive", order = Options.LATE,
            description = "write a text in turn with the model: you a line, then the model; /quit or Ctrl-D ends")
    private boolean interactive;
    @CommandLine.Option(names = "--json", order = Options.LATE,
            description = "one line for each text: {\"prompt\",\"text\","
                    + "\"tokens\",\"tokens_per_second\",\"end\"}; end is end of text, length, or stop string")
    private boolean json;
    @Mixin
    private NoSpecial noSpecial;
    @CommandLine.Option(names = "--raw", order = Options.LATE,
            description = "print every character as it is, even those that drive a terminal")
    private boolean raw;

    @Override
    protected void declare(CommandSpec command) {
        options.require(command, DeclaredOptions.MODEL).add(command, "", Sampling.GROUP.options())
                .add(command, "", List.of(NUM_SAMPLES, WeightFormat.OPTION)).add(command, "", DeclaredOptions.BACKEND);
    }

    @Override
    protected int run(Terminal screen) {
        check();
        Sampling.of(options.values(Sampling.GROUP)); // before any work
        List<String> begins = begins();
        List<String> ends = TextMaker.stops(stops);
        Path folder = options.get(DeclaredOptions.MODEL);
        Tokenizer tokenizer = ModelFolder.tokenizer(folder).orElseThrow(() -> new OptionError(DeclaredOptions.MODEL,
                folder, "the folder holds no tokenizer, so the model's tokens cannot be turned into text. Put its "
                        + "tokenizer.json or meta.pkl there"));
        try (Backend backend = options.openBackend()) {
            List<int[]> tokens = begins.stream().map(text -> encoded(tokenizer, text)).toList();
            Gpt2 model = ModelFolder.load(folder, backend, options.get(WeightFormat.OPTION));
            TextMaker maker = new TextMaker(new Generator(model, Optional.of(tokenizer)), tokenizer, ends);
            if (interactive) {
                screen.text(begins.getFirst(), raw);
                new Conversation(maker, tokenizer, text -> noSpecial.encode(tokenizer, text), tokens.getFirst())
                        .hold(Sampling.of(options.values(Sampling.GROUP)), screen, raw);
                return 0;
            }
            List<TextBatch.Wanted> wanted = wanted(begins, tokens);
            for (int i = 0; i < wanted.size();) {
                int together = TextBatch.length(model, wanted, i);
                separate(i == 0, screen);
                if (together == 0) {
                    make(maker, wanted.get(i++), screen);
                } else {
                    batch(model, tokenizer, ends, wanted.subList(i, i += together), screen);
                }
            }
        }
        return 0;
    }

    private List<TextBatch.Wanted> wanted(List<String> begins, List<int[]> tokens) {
        OptionValues values = options.values(Sampling.GROUP);
        List<TextBatch.Wanted> wanted = new ArrayList<>();
        for (int i = 0; i < begins.size(); i++) {
            for (int k = 0; k < options.get(NUM_SAMPLES); k++) {
                wanted.add(new TextBatch.Wanted(begins.get(i), tokens.get(i),
                        Sampling.of(values.with(Sampling.SEED, values.get(Sampling.SEED) + k))));
            }
        }
        return wanted;
    }

    private void batch(Gpt2 model, Tokenizer tokenizer, List<String> ends, List<TextBatch.Wanted> wanted,
            Terminal screen) {
        long start = System.nanoTime();
        int[] made = {0};
        TextBatch.make(model, tokenizer, ends, wanted, (one, text) -> {
            if (json) {
                screen.result(text.json(one.prompt()));
            } else {
                separate(one == wanted.getFirst(), screen);
                screen.text(one.prompt() + text.text() + "\n", raw);
            }
            made[0] += text.generation().tokens().length;
        });
        double seconds = (System.nanoTime() - start) * 1e-9;
        if (!json) {
            screen.note(String.format(Locale.ROOT, "%d texts, %d tokens in %s, %.1f tokens/s", wanted.size(), made[0],
                    LogLines.duration(seconds), made[0] / seconds));
        }
    }

    private void separate(boolean first, Terminal screen) {
        if (!json && !first) {
            screen.text("---------------\n", raw);
        }
    }

    private void make(TextMaker maker, TextBatch.Wanted wanted, Terminal screen) {
        if (json) {
            screen.result(maker.make(wanted.begin(), wanted.sampling(), screen, _ -> {
            }).json(wanted.prompt()));
            return;
        }
        screen.text(wanted.prompt(), raw);
        TextMaker.Made made = maker.make(wanted.begin(), wanted.sampling(), screen, part -> screen.text(part, raw));
        screen.text("\n", raw);
        screen.note(made.summary());
    }

    private void check() {
        if (prompts != null && !given.isEmpty()) {
            throw new UserError("--prompts names a file of prompts, and --prompt is one: give one of them");
        }
        if (interactive && (json || prompts != null || given.size() > 1 || options.has(NUM_SAMPLES))) {
            throw new UserError("--interactive writes one text with you, from one --prompt or none. Omit "
                    + (json ? "--json" : prompts != null ? "--prompts"
                            : given.size() > 1 ? "the other --prompt" : "--num-samples"));
        }
        if (interactive && given.contains(Texts.STDIN)) {
            throw new UserError("--prompt -: --interactive reads your lines from the standard input. Take FILE:path");
        }
    }

    private List<String> begins() {
        return prompts != null ? Prompts.read(prompts)
                : given.isEmpty() ? List.of("") : given.stream().map(Texts::prompt).toList();
    }

    private int[] encoded(Tokenizer tokenizer, String prompt) {
        try {
            return noSpecial.encode(tokenizer, prompt);
        } catch (UserError e) {
            throw new UserError((prompts == null ? "--prompt: " : "--prompts " + prompts + ": ") + e.getMessage(), e);
        }
    }
}
