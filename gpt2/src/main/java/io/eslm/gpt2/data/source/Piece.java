// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data.source;

/**
 * A document, or a part of a long one.
 *
 * @param ends whether the document ends with it
 * @param domain what the document's field says; null if no field is asked for
 */
public record Piece(String text, boolean ends, String domain) {
    static Piece part(String text) {
        return new Piece(text, false, null);
    }
}
