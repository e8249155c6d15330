// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import picocli.CommandLine.Mixin;
import java.util.Optional;
import io.eslm.gpt2.tokenizer.Tokenizer;
import io.eslm.tensor.UserError;
import io.eslm.gpt2.WeightFormat;
import io.eslm.gpt2.checkpoint.ModelFolder;
import io.eslm.gpt2.generate.Generation;
import io.eslm.gpt2.generate.Generator;
import io.eslm.gpt2.generate.Sampling;
import io.eslm.gpt2.option.Option;
import io.eslm.gpt2.option.OptionError;
import io.eslm.gpt2.option.OptionValues;
import io.eslm.tensor.backend.Backend;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
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
            "  eslm sample --model gpt2/ --prompt \"Once upon a time\" --top-p 0.9 --num-samples 3"})
final class SampleCommand extends EslmCommand {
    private static final Option<Integer> NUM_SAMPLES =
            Option.count("num samples", "number of texts").must("be at least 1", n -> n >= 1).defaultsTo(1);

    @CommandLine.Option(names = {"--prompt", "--start"}, paramLabel = "TEXT", defaultValue = "",
            description = "the text to continue, FILE:path for the text of a file, or - for the standard input "
                    + "(default: the beginning of a document)")
    private String given;
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
        OptionValues values = options.values(Sampling.GROUP);
        int texts = options.get(NUM_SAMPLES);
        Path folder = options.get(DeclaredOptions.MODEL);
        Tokenizer tokenizer = ModelFolder.tokenizer(folder).orElseThrow(() -> new OptionError(DeclaredOptions.MODEL,
                folder, "the folder holds no tokenizer, so the model's tokens cannot be turned into text. Put its "
                        + "tokenizer.json or meta.pkl there"));
        String prompt = Texts.prompt(given);
        try (Backend backend = options.openBackend()) {
            int[] begin = encoded(tokenizer, prompt);
            Generator generator = new Generator(ModelFolder.load(folder, backend, options.get(WeightFormat.OPTION)),
                    Optional.of(tokenizer));
            for (int i = 0; i < texts; i++) {
                if (i > 0) {
                    screen.text("---------------\n", raw);
                }
                TokenStream stream = new TokenStream(tokenizer, part -> screen.text(part, raw));
                screen.text(prompt, raw);
                long start = System.nanoTime();
                Generation made = generator.generate(
                        begin,
                        Sampling.of(values.with(Sampling.SEED, values.get(Sampling.SEED) + i)), stream);
                stream.end();
                screen.text("\n", raw);
                made.notes().forEach(screen::note);
                double seconds = (System.nanoTime() - start) * 1e-9;
                screen.note(String.format(Locale.ROOT, "%d tokens in %s, %.1f tokens/s", made.tokens().length,
                        LogLines.duration(seconds), made.tokens().length / seconds));
            }
        }
        return 0;
    }

    private int[] encoded(Tokenizer tokenizer, String prompt) {
        try {
            return noSpecial.encode(tokenizer, prompt);
        } catch (UserError e) {
            throw new UserError("--prompt: " + e.getMessage(), e);
        }
    }
}
