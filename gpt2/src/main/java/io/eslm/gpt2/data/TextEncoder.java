// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

import io.eslm.gpt2.tokenizer.Gpt2Tokenizer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Stand-in. */
record TextEncoder(Gpt2Tokenizer tokenizer, boolean specials) {
    int width() {
        return 2;
    }

    byte[] encode(String text) {
        return bytes(specials ? tokenizer.encodeWithSpecials(text) : tokenizer.encode(text));
    }

    byte[] endOfText() {
        return bytes(Gpt2Tokenizer.END_OF_TEXT);
    }

    /** The text that ends a document; null if none does. */
    String endOfTextMark() {
        return specials ? tokenizer.decode(Gpt2Tokenizer.END_OF_TEXT) : null;
    }

    String identity() {
        return "";
    }

    private byte[] bytes(int... ids) {
        ByteBuffer bytes = ByteBuffer.allocate(2 * ids.length).order(ByteOrder.LITTLE_ENDIAN);
        for (int id : ids) {
            bytes.putShort((short) id);
        }
        return bytes.array();
    }
}
