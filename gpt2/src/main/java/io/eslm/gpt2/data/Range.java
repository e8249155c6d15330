// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

/** Token positions {@code [begin, end)} of a token file; never empty. */
public record Range(long begin, long end) {
    public Range {
        if (begin < 0 || end <= begin) {
            throw new IllegalArgumentException("range: needs 0 <= begin < end, was given [" + begin + ", " + end + ")");
        }
    }

    /** Length in tokens. */
    public long size() {
        return end - begin;
    }
}
