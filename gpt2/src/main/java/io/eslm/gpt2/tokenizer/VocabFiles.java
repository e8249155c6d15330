// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.tokenizer;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** Rebuilds GPT-2's {@code vocab.json} and {@code merges.txt} from the bytes of its tokens. */
final class VocabFiles {
    private static final int BYTE_TOKENS = 256;

    /** As {@link ByteChars} write them. */
    private final List<String> tokens = new ArrayList<>();
    private final Merges merges;

    VocabFiles(byte[][] vocabulary, Merges merges) {
        this.merges = merges;
        for (int id = 0; id < Gpt2Tokenizer.END_OF_TEXT; id++) {
            tokens.add(ByteChars.of(vocabulary[id]));
        }
    }

    Map<String, byte[]> files() {
        List<String> all = new ArrayList<>(tokens);
        all.add(Gpt2Tokenizer.END_OF_TEXT_LITERAL);
        return Map.of(Gpt2Files.VOCAB, TokenizerFiles.vocab(all), Gpt2Files.MERGES, TokenizerFiles.merges(
                IntStream.range(BYTE_TOKENS, tokens.size()), id -> tokens.get(merges.left(id)),
                id -> tokens.get(merges.right(id))));
    }
}
