// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

import io.eslm.gpt2.tokenizer.ByteTokenizer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * The texts between special tokens in tokens of {@link ByteTokenizer}, to learn a vocabulary from. A text of more than {@value #LONG}
 * bytes is cut at the end of a line between two words, which changes none of the pieces that a byte-level BPE cuts it into.
 */
final class DocumentTexts implements Iterable<String> {
    private static final int LONG = 1 << 24;

    private final TokenFile tokens;
    private final int end;
    /** The texts of special tokens, which are no text to learn from; null if there are none. */
    private final Pattern specials;

    DocumentTexts(TokenFile tokens, List<String> specials) {
        this.tokens = tokens;
        this.end = new ByteTokenizer().endOfText().getAsInt();
        this.specials = specials.isEmpty() ? null
                : Pattern.compile(specials.stream().map(Pattern::quote).collect(Collectors.joining("|")));
    }

    @Override
    public Iterator<String> iterator() {
        return new Iterator<>() {
            private long at;
            private List<String> ready = List.of();
            private int next;

            @Override
            public boolean hasNext() {
                while (next == ready.size() && at < tokens.size()) {
                    String text = read();
                    ready = specials == null ? List.of(text) : List.of(specials.split(text));
                    next = 0;
                }
                return next < ready.size();
            }

            @Override
            public String next() {
                if (!hasNext()) {
                    throw new NoSuchElementException();
                }
                return ready.get(next++);
            }

            /** Up to the next end of a document, which is left out, or a place where a long one can be cut. */
            private String read() {
                byte[] bytes = new byte[1 << 12];
                int n = 0;
                while (at < tokens.size() && !(n >= LONG && betweenWords(at))) {
                    int id = tokens.get(at++);
                    if (id == end) {
                        break;
                    }
                    bytes = n == bytes.length ? Arrays.copyOf(bytes, 2 * n) : bytes;
                    bytes[n++] = (byte) id;
                }
                return new String(bytes, 0, n, StandardCharsets.UTF_8);
            }
        };
    }

    private boolean betweenWords(long i) {
        return tokens.get(i - 1) == '\n' && isVisible(tokens.get(i - 2)) && isVisible(tokens.get(i));
    }

    /** ASCII other than white space: whatever stands beside it cannot be a part of a white space character. */
    private static boolean isVisible(int b) {
        return b > ' ' && b < 0x7F;
    }
}
