// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import io.eslm.gpt2.tokenizer.Tokenizer;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.function.Consumer;
import java.util.function.IntPredicate;

/** Prints tokens as they arrive. A character that spans several tokens appears with the last of them. */
final class TokenStream implements IntPredicate {
    private final Tokenizer tokenizer;
    private final Consumer<String> out;
    private final CharsetDecoder decoder =
            StandardCharsets.UTF_8.newDecoder().onMalformedInput(CodingErrorAction.REPLACE)
                    .onUnmappableCharacter(CodingErrorAction.REPLACE);
    private ByteBuffer waiting = ByteBuffer.allocate(0);

    TokenStream(Tokenizer tokenizer, Consumer<String> out) {
        this.tokenizer = tokenizer;
        this.out = out;
    }

    /** Prints the characters that {@code token} completes; returns true: what cannot be printed is thrown. */
    @Override
    public boolean test(int token) {
        byte[] bytes = tokenizer.has(token) ? tokenizer.bytes(token) : new byte[0];
        ByteBuffer all = ByteBuffer.allocate(waiting.remaining() + bytes.length).put(waiting).put(bytes).flip();
        CharBuffer text = CharBuffer.allocate(all.remaining() + 1);
        decoder.decode(all, text, false);
        waiting = all;
        out.accept(text.flip().toString());
        return true;
    }

    /** Ends the text; an incomplete character is shown as U+FFFD. */
    void end() {
        if (waiting.hasRemaining()) {
            out.accept("\uFFFD");
        }
    }
}
