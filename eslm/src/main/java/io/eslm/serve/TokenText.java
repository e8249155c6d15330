// SPDX-License-Identifier: Apache-2.0
package io.eslm.serve;

import io.eslm.gpt2.tokenizer.Tokenizer;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/** A token by itself, as OpenAI writes it in lists of log-probabilities. */
final class TokenText {
    private TokenText() {
    }

    /** Its text; one that is no whole characters as its bytes, "bytes:\\xe2\\x80", so that different ones look different. */
    static String of(Tokenizer tokenizer, int id) {
        byte[] bytes = tokenizer.has(id) ? tokenizer.bytes(id) : new byte[0];
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
        } catch (CharacterCodingException _) {
            StringBuilder text = new StringBuilder("bytes:");
            for (byte b : bytes) {
                text.append("\\x").append(Character.forDigit(b >> 4 & 15, 16)).append(Character.forDigit(b & 15, 16));
            }
            return text.toString();
        }
    }
}
