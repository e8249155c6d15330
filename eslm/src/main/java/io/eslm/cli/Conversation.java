// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import io.eslm.gpt2.generate.Generation;
import io.eslm.gpt2.generate.Sampling;
import io.eslm.gpt2.tokenizer.Tokenizer;
import io.eslm.tensor.UserError;
import io.eslm.tensor.io.FileErrors;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.function.Function;
import java.util.stream.IntStream;

/**
 * A text that you and a model write in turn. Each line you give is added to the text, and the model continues it; an empty line
 * lets it go on. The tokens of the text so far stay as they are.
 */
final class Conversation {
    private static final String QUIT = "/quit";

    private final TextMaker maker;
    private final Tokenizer tokenizer;
    private final Function<String, int[]> encoder;
    private int[] soFar;

    Conversation(TextMaker maker, Tokenizer tokenizer, Function<String, int[]> encoder, int[] begin) {
        this.maker = maker;
        this.tokenizer = tokenizer;
        this.encoder = encoder;
        this.soFar = begin;
    }

    /** Until {@value #QUIT} or the end of the standard input. The seed of each turn is one more than that of the last. */
    void hold(Sampling sampling, Terminal screen, boolean raw) {
        screen.note("type a line, and the model continues; an empty line lets it go on; " + QUIT + " or Ctrl-D ends");
        try {
            // Not closed: the standard input belongs to the process.
            BufferedReader in =
                    new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8.newDecoder()));
            for (int turn = 0;; turn++) {
                screen.cue("> ");
                String line = in.readLine();
                if (line == null || line.strip().equals(QUIT)) {
                    return;
                }
                try {
                    add(line);
                } catch (UserError e) {
                    screen.note(e.getMessage());
                    continue;
                }
                continueText(new Sampling(sampling.temperature(), sampling.topK(), sampling.topP(),
                        sampling.maxNewTokens(), sampling.seed() + turn), screen, raw);
            }
        } catch (IOException e) {
            throw FileErrors.failed("read", Path.of("the standard input"), e);
        }
    }

    /** A line begins on a new line of the text, unless the text is empty. */
    private void add(String line) {
        if (!line.isEmpty()) {
            append(encoder.apply(soFar.length == 0 ? line : "\n" + line));
        }
    }

    private void continueText(Sampling sampling, Terminal screen, boolean raw) {
        TextMaker.Made made = maker.make(soFar, sampling, screen, part -> screen.text(part, raw));
        screen.text("\n", raw);
        boolean cut = made.generation().end() == Generation.End.STOPPED;
        append(cut ? tokenizer.encode(made.text()) : made.generation().tokens());
        if (made.generation().end() == Generation.End.END_OF_TEXT) {
            append(tokenizer.endOfText().stream().toArray());
        }
    }

    private void append(int[] more) {
        soFar = IntStream.concat(IntStream.of(soFar), IntStream.of(more)).toArray();
    }
}
