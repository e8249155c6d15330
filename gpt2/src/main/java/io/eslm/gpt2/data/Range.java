// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

/** Positions {@code [begin, end)} in a token file; at least one. */
public record Range(long begin, long end) {
    public Range {
        if (begin < 0 || end <= begin) {
            throw new IllegalArgumentException(
                    "range: expected 0 <= begin < end, but got [" + begin + ", " + end + ")");
        }
    }

    /** Length in tokens. */
    public long size() {
        return end - begin;
    }
}
