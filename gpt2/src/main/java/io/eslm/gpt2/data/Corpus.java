// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

import io.eslm.gpt2.tokenizer.Gpt2Tokenizer;
import io.eslm.tensor.UserError;
import io.eslm.tensor.io.FileErrors;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** Text that can become a prepared folder. */
sealed interface Corpus permits TextCorpus, JdkCorpus {
    /** Describes where the text is from. */
    String source();

    /** Everything that the tokens depend on: equal identities give equal tokens. */
    String identity();

    /** Names of the domains, in the order of their ranges. */
    List<String> domains();

    /** Default share of the tokens to hold out. */
    double heldOut();

    /** Writes every document, in a fixed order. */
    void write(CorpusWriter writer, Gpt2Tokenizer tokenizer, Progress progress) throws IOException;

    /**
     * Prepares the folder {@code out}; on failure, its earlier contents are unchanged.
     *
     * @throws UserError if the text is too short or a file cannot be read or written
     */
    default Meta prepare(Path out, double heldOut, Progress progress) {
        try (var writer = new CorpusWriter(out, domains(), heldOut)) {
            write(writer, new Gpt2Tokenizer(), progress);
            return writer.finish(source());
        } catch (IOException e) {
            throw FileErrors.failed("write prepared data to", out, e);
        }
    }

    /**
     * The tokens of a text as little-endian uint16. The literal {@value Gpt2Tokenizer#END_OF_TEXT_LITERAL}, which many
     * published corpora have between documents, becomes the end-of-text token.
     */
    static byte[] encode(Gpt2Tokenizer tokenizer, String text) {
        int mark = text.indexOf(Gpt2Tokenizer.END_OF_TEXT_LITERAL);
        if (mark < 0) {
            int[] ids = tokenizer.encode(text);
            byte[] bytes = new byte[2 * ids.length];
            for (int i = 0; i < ids.length; i++) {
                put(bytes, 2 * i, ids[i]);
            }
            return bytes;
        }
        var joined = new ByteArrayOutputStream(text.length());
        int from = 0;
        byte[] end = new byte[2];
        put(end, 0, Gpt2Tokenizer.END_OF_TEXT);
        for (; mark >= 0; mark = text.indexOf(Gpt2Tokenizer.END_OF_TEXT_LITERAL, from)) {
            joined.writeBytes(encode(tokenizer, text.substring(from, mark)));
            joined.writeBytes(end);
            from = mark + Gpt2Tokenizer.END_OF_TEXT_LITERAL.length();
        }
        joined.writeBytes(encode(tokenizer, text.substring(from)));
        return joined.toByteArray();
    }

    private static void put(byte[] bytes, int at, int id) {
        bytes[at] = (byte) id;
        bytes[at + 1] = (byte) (id >>> 8);
    }
}
