// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.tokenizer;

import java.util.Arrays;
import java.util.Optional;
import java.util.stream.Collectors;

/** What the ids of a model stand for, as far as it is known. */
public record TokenTexts(Optional<Tokenizer> tokenizer) {
    /** Where no text is known. */
    public static final TokenTexts UNKNOWN = new TokenTexts(Optional.empty());

    /** {@link Tokenizer#text} of an id; empty if it is not known, as of padding. */
    public Optional<String> of(int id) {
        return tokenizer.filter(t -> t.has(id)).map(t -> t.text(id));
    }

    /** The text of ids; the ids themselves, separated by spaces, if one is not known. */
    public String ofAll(int... ids) {
        return tokenizer.filter(t -> Arrays.stream(ids).allMatch(t::has)).map(t -> t.decode(ids))
                .orElseGet(() -> Arrays.stream(ids).mapToObj(String::valueOf).collect(Collectors.joining(" ")));
    }
}
