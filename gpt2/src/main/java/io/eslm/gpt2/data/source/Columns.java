// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data.source;

import java.util.List;

/**
 * The fields of a record to read.
 *
 * @param text holds the document
 * @param domain holds the name of its domain; null to read none
 */
public record Columns(String text, String domain) {
    public static final Columns DEFAULT = new Columns("text", null);

    /** Their names. */
    List<String> names() {
        return domain == null ? List.of(text) : List.of(text, domain);
    }

    @Override
    public String toString() {
        return "column " + text + (domain == null ? "" : ", domains by " + domain);
    }
}
