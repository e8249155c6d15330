// SPDX-License-Identifier: Apache-2.0
package io.eslm.select;

/** Which of the two batches of instance-level selection has {@code --batch-size} windows: the kept, or the drawn one. */
public enum BatchCounts {
    KEPT("kept"), DRAWN("drawn");

    private final String text;

    BatchCounts(String text) {
        this.text = text;
    }

    /** As in {@code --draw}. */
    @Override
    public String toString() {
        return text;
    }
}
