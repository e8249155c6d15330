// SPDX-License-Identifier: Apache-2.0
package io.eslm.select;

import io.eslm.gpt2.train.MeanLoss;
import io.eslm.gpt2.train.TokenLoss;
import io.eslm.tensor.UserError;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.DoubleFunction;

/** The methods that {@code --method} takes. */
public final class Methods {
    private static final Map<String, DoubleFunction<TokenLoss>> ALL = new TreeMap<>(Map.of(
            "clm", _ -> new MeanLoss(),
            CvarLoss.NAME, alpha -> new SelectiveLoss(new CvarLoss(alpha)),
            VarEntropy.NAME, alpha -> new SelectiveLoss(new VarEntropy(alpha)),
            RandomSelection.NAME, alpha -> new SelectiveLoss(new RandomSelection(alpha))));

    private Methods() {
    }

    /** All names, sorted. */
    public static List<String> names() {
        return List.copyOf(ALL.keySet());
    }

    /**
     * The loss that {@code method} trains on.
     *
     * @param alpha confidence level in [0, 1); clm does not use it
     * @throws UserError if there is no such method, or α is outside [0, 1)
     */
    public static TokenLoss of(String method, double alpha) {
        DoubleFunction<TokenLoss> make = ALL.get(method);
        if (make == null) {
            throw new UserError("--method " + method + ": no such method; there are " + String.join(", ", names()));
        }
        ValueAtRisk.checkAlpha(alpha);
        return make.apply(alpha);
    }
}
