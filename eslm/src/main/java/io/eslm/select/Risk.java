// SPDX-License-Identifier: Apache-2.0
package io.eslm.select;

/**
 * What makes a token risky: its loss ℓ = −log p(target), in nats; the entropy −Σ p log p of its prediction, in nats; or 1 −
 * p(target) = 1 − e^−ℓ, which is the norm of the loss's gradient by the logits but for a factor between 1 and √2:
 * ‖softmax − onehot‖² = (1 − p)² + Σ_{v ≠ target} p_v², and the sum is at most (1 − p)².
 */
public enum Risk {
    LOSS("loss"), ENTROPY("entropy"), GRADIENT("gradient");

    private final String text;

    Risk(String text) {
        this.text = text;
    }

    /** This risk of tokens with these losses and entropies, all (M). */
    public float[] of(float[] loss, float[] entropy) {
        return switch (this) {
            case LOSS -> loss;
            case ENTROPY -> entropy;
            case GRADIENT -> {
                float[] risk = new float[loss.length];
                for (int j = 0; j < risk.length; j++) {
                    risk[j] = (float) -Math.expm1(-loss[j]);
                }
                yield risk;
            }
        };
    }

    /** Keeps the tokens at or above the value-at-risk of this risk; the gradient's tokens are the loss's, whose order it has. */
    public TokenSelector above(double alpha) {
        return this == ENTROPY ? new VarEntropy(alpha) : new CvarLoss(alpha);
    }

    /** As in {@code --risk}. */
    @Override
    public String toString() {
        return text;
    }
}
