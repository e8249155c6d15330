// SPDX-License-Identifier: Apache-2.0
package io.eslm.select.instance;

import io.eslm.gpt2.option.Option;

/** Which batch of instance-level selection has batch-size windows: the kept or the drawn one. */
public enum BatchCounts {
    KEPT("kept"), DRAWN("drawn");

    /** The option that says which. */
    public static final Option<BatchCounts> OPTION =
            Option.choice("draw", "WHICH", "which batch has batch-size windows: kept or drawn", values())
                    .defaultsTo(KEPT);

    private final String text;

    BatchCounts(String text) {
        this.text = text;
    }

    /** Its name as a value of {@link #OPTION}. */
    @Override
    public String toString() {
        return text;
    }
}
