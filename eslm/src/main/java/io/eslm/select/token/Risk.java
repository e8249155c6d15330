// SPDX-License-Identifier: Apache-2.0
package io.eslm.select.token;

import io.eslm.gpt2.option.Option;

/**
 * The risk of a token: its loss ℓ = −log p(target), in nats; the entropy −Σ p log p of its prediction, in nats; or 1 −
 * p(target) = 1 − e^−ℓ, which is the norm of the loss's gradient with respect to the logits, up to a factor between 1 and √2:
 * ‖softmax − onehot‖² = (1 − p)² + Σ_{v ≠ target} p_v², and the sum is at most (1 − p)².
 */
public enum Risk {
    LOSS("loss"), ENTROPY("entropy"), GRADIENT("gradient");

    /** The option that names a risk. */
    public static final Option<Risk> OPTION = Option.choice("risk", "RISK",
            "risk of a token: loss, entropy, or gradient (1 − probability of the target)", values()).defaultsTo(LOSS);

    private final String text;

    Risk(String text) {
        this.text = text;
    }

    /** The risk (M) of tokens with these losses (M) and entropies (M). */
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

    /** Its name as a value of {@link #OPTION}. */
    @Override
    public String toString() {
        return text;
    }
}
