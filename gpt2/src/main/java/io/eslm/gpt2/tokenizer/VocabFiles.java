// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

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
        return Map.of(Gpt2Files.VOCAB, vocab().getBytes(StandardCharsets.UTF_8), Gpt2Files.MERGES,
                merges().getBytes(StandardCharsets.UTF_8));
    }

    private String vocab() {
        var json = new StringBuilder(1 << 20).append('{');
        for (int id = 0; id < tokens.size(); id++) {
            appendJson(json, tokens.get(id)).append(": ").append(id).append(", ");
        }
        return appendJson(json, Gpt2Tokenizer.END_OF_TEXT_LITERAL).append(": ").append(Gpt2Tokenizer.END_OF_TEXT)
                .append('}').toString();
    }

    private String merges() {
        var text = new StringBuilder(1 << 19).append("#version: 0.2\n");
        for (int id = BYTE_TOKENS; id < tokens.size(); id++) {
            text.append(tokens.get(merges.left(id))).append(' ')
                    .append(tokens.get(merges.right(id))).append('\n');
        }
        return text.toString();
    }

    private static StringBuilder appendJson(StringBuilder json, String text) {
        json.append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '"' || c == '\\') {
                json.append('\\').append(c);
            } else if (c < 0x7F) {
                json.append(c);
            } else {
                json.append(String.format(Locale.ROOT, "\\u%04x", (int) c));
            }
        }
        return json.append('"');
    }
}
