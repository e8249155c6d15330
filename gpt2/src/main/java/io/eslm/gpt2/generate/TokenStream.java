// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.generate;

import io.eslm.gpt2.tokenizer.Tokenizer;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.function.IntPredicate;
import java.util.function.Predicate;

/** Makes text of tokens as they arrive. A character that spans several tokens comes with the last of them. */
public final class TokenStream implements IntPredicate {
    private final Tokenizer tokenizer;
    private final Predicate<String> out;
    private final CharsetDecoder decoder =
            StandardCharsets.UTF_8.newDecoder().onMalformedInput(CodingErrorAction.REPLACE)
                    .onUnmappableCharacter(CodingErrorAction.REPLACE);
    private ByteBuffer waiting = ByteBuffer.allocate(0);

    /** @param out receives the text; returns false to end it */
    public TokenStream(Tokenizer tokenizer, Predicate<String> out) {
        this.tokenizer = tokenizer;
        this.out = out;
    }

    /** Passes on the characters that {@code token} completes; returns false to end the text. */
    @Override
    public boolean test(int token) {
        byte[] bytes = tokenizer.has(token) ? tokenizer.bytes(token) : new byte[0];
        ByteBuffer all = ByteBuffer.allocate(waiting.remaining() + bytes.length).put(waiting).put(bytes).flip();
        CharBuffer text = CharBuffer.allocate(all.remaining() + 1);
        decoder.decode(all, text, false);
        waiting = all;
        return out.test(text.flip().toString());
    }

    /** Ends the text; an incomplete character is shown as U+FFFD. */
    public void end() {
        boolean _ = waiting.hasRemaining() && out.test("\uFFFD"); // it ends in any case
    }
}
