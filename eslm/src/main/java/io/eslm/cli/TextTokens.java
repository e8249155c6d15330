// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import io.eslm.gpt2.tokenizer.Gpt2Tokenizer;
import io.eslm.report.ScoreLines;
import io.eslm.tensor.UserError;
import java.nio.file.Path;

/** The tokens of a text that a command looks at. */
final class TextTokens {
    private TextTokens() {
    }

    /**
     * Splits a text into tokens.
     *
     * @param source what names the text in messages: an option, or an option and its file
     * @param vocabSize of the model
     * @param noSpecial whether {@code <|endoftext|>} is plain text
     */
    static int[] encode(String text, String source, int vocabSize, boolean noSpecial) {
        if (!ScoreLines.isGpt2(vocabSize)) {
            throw new UserError(source + ": the model has " + vocabSize + " token ids, not GPT-2's "
                    + Gpt2Tokenizer.VOCAB_SIZE
                    + ", so its text cannot be split into tokens. Give token ids with --tokens");
        }
        if (text.indexOf('\0') >= 0) {
            throw new UserError(source + ": has a NUL byte, so it is not text");
        }
        if (text.isBlank()) {
            throw new UserError(source + ": is empty");
        }
        return noSpecial ? new Gpt2Tokenizer().encode(text) : new Gpt2Tokenizer().encodeDocuments(text);
    }

    /** Token ids of a file, separated by white space. */
    static int[] ids(Path file) {
        String[] words = Texts.read(file).strip().split("\\s+");
        int[] ids = new int[words[0].isEmpty() ? 0 : words.length];
        for (int i = 0; i < ids.length; i++) {
            try {
                ids[i] = Integer.parseInt(words[i]);
            } catch (NumberFormatException e) {
                throw new UserError(file + ": entry " + i + " (counted from 0) is '" + words[i] + "', not a token id",
                        e);
            }
        }
        return ids;
    }
}
