// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import io.eslm.gpt2.tokenizer.Gpt2Tokenizer;
import io.eslm.report.ScoreLines;
import io.eslm.tensor.UserError;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/** Tokens that a command looks at: a text, a file of text, or ids. */
final class InputTokens {
    @Option(names = "--text", required = true, paramLabel = "TEXT", description = "the text itself")
    private String text;
    @Option(names = "--file", required = true, paramLabel = "FILE",
            description = "a text in UTF-8; - is the standard input")
    private Path file;
    @Option(names = "--tokens", required = true, paramLabel = "FILE",
            description = "token ids, separated by white space; - is the standard input")
    private Path tokens;

    /** What it is called in messages. */
    String name() {
        return text != null ? "the given text" : (file != null ? file : tokens).toString();
    }

    /**
     * The ids; those of a text are GPT-2's tokens.
     *
     * @throws UserError if the file cannot be read, or the model has other tokens
     */
    int[] ids(int vocabSize) {
        if (tokens != null) {
            return Texts.ids(tokens);
        }
        String what = text != null ? "--text" : "--file " + file;
        if (!ScoreLines.isGpt2(vocabSize)) {
            throw new UserError(what + ": the model has " + vocabSize + " token ids, not GPT-2's "
                    + Gpt2Tokenizer.VOCAB_SIZE
                    + ", so its text cannot be split into tokens. Give token ids with --tokens");
        }
        String read = text != null ? text : Texts.read(file);
        if (read.indexOf('\0') >= 0) {
            throw new UserError(what + ": has a NUL byte, so it is not text");
        }
        if (read.isBlank()) {
            throw new UserError(what + ": is empty");
        }
        return new Gpt2Tokenizer().encodeWithSpecials(read);
    }
}
