// SPDX-License-Identifier: Apache-2.0
package io.eslm.select;

/** What makes a token risky: its loss −log p(target), or the entropy −Σ p log p of its prediction; both in nats. */
public enum Risk {
    LOSS("loss"), ENTROPY("entropy");

    private final String text;

    Risk(String text) {
        this.text = text;
    }

    /** The one of the two that is this risk. */
    public float[] of(float[] loss, float[] entropy) {
        return this == LOSS ? loss : entropy;
    }

    /** Keeps the tokens at or above the value-at-risk of this risk. */
    public TokenSelector above(double alpha) {
        return this == LOSS ? new CvarLoss(alpha) : new VarEntropy(alpha);
    }

    /** As in {@code --risk}. */
    @Override
    public String toString() {
        return text;
    }
}
