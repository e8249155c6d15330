// SPDX-License-Identifier: Apache-2.0
package io.eslm.select.objective;

import io.eslm.gpt2.train.Objective;
import io.eslm.select.Method;
import io.eslm.select.MethodProvider;
import io.eslm.select.instance.InstanceSelection;
import io.eslm.select.token.Risk;
import java.util.List;

/** The methods of this module, a line each. */
public final class EslmMethods implements MethodProvider {
    private static final Method CLM = Method.of("clm", List.of(), (_, _) -> new Objective.Mean());

    @Override
    public List<Method> methods() {
        return List.of(CLM,
                SelectiveObjective.tail("cvar-loss", Risk.LOSS),
                SelectiveObjective.tail("var-entropy", Risk.ENTROPY),
                BeforeHeadObjective.RANDOM,
                AdaptiveObjective.method("ada-cvar-loss", Risk.LOSS),
                AdaptiveObjective.method("ada-var-entropy", Risk.ENTROPY),
                ExcessLossObjective.METHOD,
                SelectiveObjective.SAMPLING,
                Shortlist.METHOD,
                SampledSoftmax.METHOD,
                InstanceSelection.around("instance", CLM),
                InstanceSelection.around("hierarchical", SelectiveObjective.BY_RISK),
                DistillationObjective.METHOD);
    }
}
