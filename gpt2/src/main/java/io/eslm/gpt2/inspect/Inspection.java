// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.inspect;

import io.eslm.autograd.Parameter;
import io.eslm.autograd.Tape;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.PretrainedNames;
import io.eslm.gpt2.train.MicroBatch;
import io.eslm.gpt2.train.MicroBatch.Loss;
import io.eslm.gpt2.train.Objective;
import io.eslm.tensor.Checks;
import io.eslm.tensor.Rng;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Workspace;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Runs a model once and keeps what you name: TransformerLens's {@code run_with_cache}, with the gradients of a training step.
 *
 * <pre>{@code
 * ActivationCache cache = Inspection.run(model, ids, new Objective.Mean(), "blocks.*.attn.pattern", "logits");
 * Tensor pattern = cache.get("pattern", 3); // (1, H, T, T)
 * }</pre>
 */
public final class Inspection {
    private Inspection() {
    }

    /**
     * One forward pass, and one backward pass if a glob ends in {@code .grad}; dropout is off. Gradients of the parameters are
     * zero afterwards.
     *
     * @param ids N token ids: N − 1 positions, and the last id is only a target
     * @param objective whose loss the gradients are of; {@link Objective.Mean} for the mean over all predicted tokens
     * @param globs activations as in {@link ActivationNames}, and parameters by their names in a checkpoint, for example
     *            {@code transformer.h.*.attn.c_attn.weight.grad}
     * @throws UserError if a glob matches nothing, or the text does not fit the model
     */
    public static ActivationCache run(Gpt2 model, int[] ids, Objective objective, String... globs) {
        if (ids.length < 2 || ids.length - 1 > model.config().blockSize()) {
            throw new UserError(
                    "an inspection takes 2 to " + (model.config().blockSize() + 1L) + " tokens with this model,"
                            + " was given " + ids.length);
        }
        Checks.ids("inspection", ids, ids.length, model.config().vocabSize());
        int positions = ids.length - 1;
        Tensor inputs = Tensor.of(model.backend(), Arrays.copyOf(ids, positions), 1, positions);
        return run(model, inputs, Tensor.of(model.backend(), Arrays.copyOfRange(ids, 1, ids.length), positions),
                objective,
                globs);
    }

    /**
     * {@link #run(Gpt2, int[], Objective, String...)} for B windows.
     *
     * @param ids (B, T) I32
     * @param targets (B·T) I32: the token after each of ids
     */
    public static ActivationCache run(Gpt2 model, Tensor ids, Tensor targets, Objective objective, String... globs) {
        ActivationCache cache = new ActivationCache();
        Map<String, Parameter> parameters = new LinkedHashMap<>();
        model.parameters().forEach((path, p) -> parameters.put(PretrainedNames.of(path), p));
        List<String> ofParameters = new ArrayList<>();
        boolean backward = false;
        Workspace workspace = new Workspace(model.backend());
        try (Probes probes = Probes.on(model)) {
            for (String glob : globs) {
                backward |= ActivationNames.isGradient(glob);
                List<String> found = ActivationNames.matching(glob, List.copyOf(parameters.keySet()));
                ofParameters.addAll(found);
                if (found.isEmpty() || probes.knows(glob)) {
                    probes.observe(glob, cache);
                }
            }
            try (Tape tape = backward ? Tape.withoutDropout(workspace) : Tape.evaluation(workspace)) {
                model.clearGradients();
                Loss loss = objective.of(new MicroBatch(tape, model, ids, targets, Rng.of(0), 1, 1));
                if (backward) {
                    loss.loss().backward();
                }
                for (String name : ofParameters) {
                    Parameter p = parameters.get(ActivationNames.withoutGradient(name));
                    cache.see(name, ActivationNames.isGradient(name) ? p.gradient() : p.value());
                }
            } finally {
                model.clearGradients();
            }
        }
        return cache;
    }
}
