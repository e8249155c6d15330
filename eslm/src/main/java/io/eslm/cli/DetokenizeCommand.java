// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import io.eslm.gpt2.checkpoint.ModelFolder;
import io.eslm.gpt2.tokenizer.Tokenizer;
import io.eslm.tensor.UserError;
import java.nio.file.Path;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;

/** Prints the text of tokens. */
@Command(name = "detokenize",
        header = "Prints the text that token ids stand for.",
        description = {"",
            "Nothing is added to the text, and no line end follows it.",
            ""},
        footer = {"", "Examples:", "  eslm tokenize --file README.md --json | jq -c .ids[] | eslm detokenize --ids -",
            "  eslm detokenize --tokenizer data/shakespeare_char --ids ids.txt"})
final class DetokenizeCommand extends EslmCommand {
    @CommandLine.Option(names = {"--ids", "--tokens"}, required = true, paramLabel = "FILE",
            description = "token ids, separated by white space; - is the standard input")
    private Path ids;
    @CommandLine.Option(names = "--tokenizer", paramLabel = "PATH", defaultValue = "gpt2",
            description = TokenizeCommand.TOKENIZER)
    private String tokenizer;
    @CommandLine.Option(names = "--raw", order = Options.LATE,
            description = "print control characters of the text as they are, also those that drive a terminal")
    private boolean raw;

    @Override
    protected void declare(CommandSpec command) {
        // no declared options
    }

    @Override
    protected int run(Terminal screen) {
        Tokenizer t = ModelFolder.tokenizerAt(tokenizer);
        int[] all = Texts.ids(ids);
        for (int i = 0; i < all.length; i++) {
            try {
                t.bytes(all[i]);
            } catch (IllegalArgumentException e) {
                throw new UserError(ids + ": entry " + i + " (counted from 0): " + e.getMessage(), e);
            }
        }
        screen.text(t.decode(all), raw);
        return 0;
    }
}
