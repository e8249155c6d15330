// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2;

import io.eslm.tensor.backend.Backend;
import java.util.ArrayList;
import java.util.List;

/** A model that shows its activations to {@link Hooks}. */
abstract class HookedModule extends LayeredModule {
    /** Null if nobody looks. */
    HookPoints points;

    HookedModule(Gpt2Config config, Weights weights) {
        super(config, weights, "");
    }

    /** The backend of its weights. */
    public abstract Backend backend();

    /** Shows every activation of each pass to {@code hooks} from now on, until {@link #removeHooks}. */
    public void addHooks(Hooks hooks) {
        List<Hooks> all = new ArrayList<>(hooks());
        all.add(hooks);
        points = new HookPoints(backend(), all);
    }

    /** Ends {@link #addHooks}. */
    public void removeHooks(Hooks hooks) {
        List<Hooks> all = new ArrayList<>(hooks());
        all.remove(hooks);
        points = all.isEmpty() ? null : new HookPoints(backend(), all);
    }

    /** Those who look at this model now. */
    public List<Hooks> hooks() {
        return points == null ? List.of() : points.hooks();
    }
}
