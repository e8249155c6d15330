// SPDX-License-Identifier: Apache-2.0
package io.eslm.task;

import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.tokenizer.Tokenizer;
import io.eslm.tensor.UserError;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/** Turns the texts of an example into tokens, as lm-eval does. */
final class Encoder {
    private final Tokenizer tokenizer;
    private final int blockSize;

    Encoder(Tokenizer tokenizer, Gpt2Config model) {
        this.tokenizer = tokenizer;
        this.blockSize = model.blockSize();
    }

    /**
     * A context and its continuation, which is scored. White space at the end of the context goes to the continuation, and both are
     * encoded together: the continuation has the tokens after as many as the context alone has. The end-of-text token stands for an
     * empty context. Of what does not fit the model, the start is left out.
     *
     * @throws UserError if the continuation has no token, or more than the model has positions
     */
    Sequence pair(String place, String context, String continuation) {
        int[] ids;
        int known;
        if (context.isEmpty()) {
            int[] alone = encode(place, continuation);
            boolean begun = alone.length > 0 && alone[0] == endOfText(place);
            ids = begun ? alone : after(endOfText(place), alone);
            known = 1;
        } else {
            ids = encode(place, context + continuation);
            known = encode(place, PythonText.stripEnd(context)).length;
        }
        int scored = ids.length - known;
        if (scored < 1 || known < 1) {
            throw new UserError(place + (known < 1 ? ": the context is white space alone"
                    : ": \"" + continuation + "\" has no token of its own after its context")
                    + ", so the example cannot be scored");
        }
        if (scored > blockSize) {
            throw new UserError(place + ": an answer has " + scored + " tokens, but the model has " + blockSize
                    + " positions (block_size)");
        }
        return new Sequence(Arrays.copyOfRange(ids, Math.max(0, ids.length - blockSize - 1), ids.length), scored);
    }

    /**
     * All of a text, which begins after an end-of-text token, in adjacent windows. The last window has as many tokens before its
     * own as fit.
     */
    List<Sequence> rolling(String place, String text) {
        int[] ids = after(endOfText(place), encode(place, text));
        List<Sequence> windows = new ArrayList<>();
        for (int from = 1; from < ids.length; from += blockSize) {
            int to = Math.min(ids.length, from + blockSize);
            windows.add(new Sequence(Arrays.copyOfRange(ids, Math.max(0, to - blockSize - 1), to), to - from));
        }
        return windows;
    }

    private int endOfText(String place) {
        return tokenizer.endOfText().orElseThrow(() -> new UserError(place
                + ": needs a token for the end of a text to begin with, and the model's tokenizer has none"));
    }

    private static int[] after(int first, int[] ids) {
        return IntStream.concat(IntStream.of(first), IntStream.of(ids)).toArray();
    }

    private int[] encode(String place, String text) {
        try {
            return tokenizer.encodeWithSpecials(text);
        } catch (UserError e) {
            throw new UserError(place + ": " + e.getMessage(), e);
        }
    }
}
