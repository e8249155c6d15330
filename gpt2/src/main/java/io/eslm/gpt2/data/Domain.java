// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

import java.util.List;

/** A named kind of text and its place in a token file: at least one range, in ascending order. */
public record Domain(String name, List<Range> ranges) {
    /** The name of the single domain of data without domains. */
    public static final String ALL = "all";

    public Domain {
        ranges = List.copyOf(ranges);
    }

    /** Number of predicted tokens: all but the first of each range. */
    public long predictions() {
        return size() - ranges.size();
    }

    /** Length in tokens. */
    public long size() {
        return ranges.stream().mapToLong(Range::size).sum();
    }
}
