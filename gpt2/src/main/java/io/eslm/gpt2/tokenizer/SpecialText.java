// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.tokenizer;

import it.unimi.dsi.fastutil.ints.IntArrayList;

/** Finds one special token in a text. */
final class SpecialText {
    private SpecialText() {
    }

    /** {@link Tokenizer#encode} of the text between occurrences of {@code literal}, each of which is the token {@code id}. */
    static int[] encode(Tokenizer tokenizer, String text, String literal, int id) {
        int mark = text.indexOf(literal);
        if (mark < 0) {
            return tokenizer.encode(text);
        }
        var ids = new IntArrayList();
        int from = 0;
        for (; mark >= 0; mark = text.indexOf(literal, from)) {
            int[] before = tokenizer.encode(text.substring(from, mark));
            ids.addElements(ids.size(), before);
            ids.add(id);
            from = mark + literal.length();
        }
        ids.addElements(ids.size(), tokenizer.encode(text.substring(from)));
        return ids.toIntArray();
    }
}
