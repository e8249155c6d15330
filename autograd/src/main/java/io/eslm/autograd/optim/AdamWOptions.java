// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.optim;

import io.eslm.tensor.UserError;

/**
 * The settings of {@link AdamW}: everything but the learning rate, which each step takes.
 *
 * @param beta1 decay rate of the first moment, in [0, 1)
 * @param beta2 decay rate of the second moment, in [0, 1)
 * @param eps added to the root of the second moment; positive
 * @param weightDecay at least 0
 */
public record AdamWOptions(double beta1, double beta2, double eps, double weightDecay) {
    /** nanoGPT's for pretraining; change one with its {@code with…} method. */
    public static final AdamWOptions DEFAULT = new AdamWOptions(0.9, 0.95, 1e-8, 0.1);

    /** @throws UserError if a value is outside its range */
    public AdamWOptions {
        UserError.check(beta1 >= 0 && beta1 < 1, "beta1 %s: must be in [0, 1)", beta1);
        UserError.check(beta2 >= 0 && beta2 < 1, "beta2 %s: must be in [0, 1)", beta2);
        UserError.check(eps > 0 && eps < Double.POSITIVE_INFINITY, "eps %s: must be a positive number", eps);
        UserError.check(weightDecay >= 0 && weightDecay < Double.POSITIVE_INFINITY,
                "weight decay %s: must be a number of at least 0", weightDecay);
    }

    public AdamWOptions withBeta1(double value) {
        return new AdamWOptions(value, beta2, eps, weightDecay);
    }

    public AdamWOptions withBeta2(double value) {
        return new AdamWOptions(beta1, value, eps, weightDecay);
    }

    public AdamWOptions withEps(double value) {
        return new AdamWOptions(beta1, beta2, value, weightDecay);
    }

    public AdamWOptions withWeightDecay(double value) {
        return new AdamWOptions(beta1, beta2, eps, value);
    }
}
