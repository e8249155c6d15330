// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import picocli.CommandLine.Mixin;
import java.util.Optional;
import io.eslm.gpt2.tokenizer.Tokenizer;
import io.eslm.tensor.UserError;
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
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;

/** Generates text with a model. */
@Command(name = "sample", header = "Continues a prompt, token by token.", description = {"",
    "Prints the text as it is generated. The same seed gives the same text. <|endoftext|> in a prompt is the token that ends a "
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
    void declare(CommandSpec command) {
        options.require(command, DeclaredOptions.MODEL).add(command, "", Sampling.GROUP.options())
                .add(command, "", List.of(NUM_SAMPLES, WeightFormat.OPTION)).add(command, "", DeclaredOptions.BACKEND);
    }

    @Override
    int run(Terminal screen) {
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
            TextMaker maker =
                    new TextMaker(new Generator(ModelFolder.load(folder, backend, options.get(WeightFormat.OPTION)),
                            Optional.of(tokenizer)), tokenizer, ends);
            if (interactive) {
                screen.text(begins.getFirst(), raw);
                new Conversation(maker, tokenizer, text -> noSpecial.encode(tokenizer, text), tokens.getFirst())
                        .hold(Sampling.of(options.values(Sampling.GROUP)), screen, raw);
                return 0;
            }
            for (int i = 0; i < begins.size(); i++) {
                for (int k = 0; k < options.get(NUM_SAMPLES); k++) {
                    if (!json && i + k > 0) {
                        screen.text("---------------\n", raw);
                    }
                    make(maker, begins.get(i), tokens.get(i), k, screen);
                }
            }
        }
        return 0;
    }

    private void make(TextMaker maker, String prompt, int[] begin, int sample, Terminal screen) {
        OptionValues values = options.values(Sampling.GROUP);
        Sampling sampling = Sampling.of(values.with(Sampling.SEED, values.get(Sampling.SEED) + sample));
        if (json) {
            screen.result(maker.make(begin, sampling, screen, _ -> {
            }).json(prompt));
            return;
        }
        screen.text(prompt, raw);
        TextMaker.Made made = maker.make(begin, sampling, screen, part -> screen.text(part, raw));
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
