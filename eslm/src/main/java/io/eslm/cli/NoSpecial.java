// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import io.eslm.gpt2.tokenizer.Tokenizer;
import picocli.CommandLine.Option;

/** Whether a special token's text, such as {@code <|endoftext|>}, is that token, in commands that read a text themselves. */
public final class NoSpecial {
    @Option(names = {"--no-special", "--no_special"}, order = Options.LATE,
            description = "take the texts of special tokens, such as <|endoftext|>, as plain text")
    private boolean given;

    /** True if special tokens are recognised. */
    public boolean specials() {
        return !given;
    }

    int[] encode(Tokenizer tokenizer, String text) {
        return given ? tokenizer.encode(text) : tokenizer.encodeWithSpecials(text);
    }
}
