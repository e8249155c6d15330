// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import io.eslm.gpt2.tokenizer.TokenTexts;
import io.eslm.gpt2.tokenizer.Tokenizer;
import io.eslm.tensor.UserError;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
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
     * The ids; those of a text are the model's tokens.
     *
     * @throws UserError if the file cannot be read, or the texts of the model's ids are not known
     */
    int[] ids(TokenTexts model, NoSpecial special, Terminal screen) {
        if (tokens != null) {
            return Texts.ids(tokens);
        }
        String what = text != null ? "--text" : "--file " + file;
        Tokenizer tokenizer = model.tokenizer().orElseThrow(() -> new UserError(what
                + ": the model's folder holds no tokenizer, so a text cannot be split into its tokens. Put its "
                + "tokenizer.json or meta.pkl there, or give token ids with --tokens"));
        if (text != null && isFile(text)) {
            screen.note("note: --text is the text itself; for what is in the file " + text + ", use --file");
        }
        String read = text != null ? text : Texts.read(file);
        if (read.isBlank()) {
            throw new UserError(what + ": is empty");
        }
        try {
            return special.encode(tokenizer, read);
        } catch (UserError e) {
            throw new UserError(what + ": " + e.getMessage(), e);
        }
    }

    private static boolean isFile(String text) {
        try {
            return Files.isRegularFile(Path.of(text));
        } catch (InvalidPathException _) {
            return false;
        }
    }
}
