// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.train;

import io.eslm.autograd.Parameter;
import io.eslm.autograd.Tape;
import io.eslm.autograd.Variable;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.train.MicroBatch.Loss;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.Workspace;
import java.util.Map;

/** Explains a run that diverged: the step, and the first layer with a NaN or an infinity. */
final class NonFinite {
    private static final String ADVICE =
            ". The steps since the last checkpoint are lost. Resume from it (or start a new run if there is none) with a "
                    + "lower learning rate, more warmup iters, or a smaller grad clip";

    private NonFinite() {
    }

    /** @param inputs (batch, T) token ids, row by row */
    static DivergedError loss(Loss loss, long step, Gpt2 model, int[] inputs, int batch,
            Workspace workspace) {
        return new DivergedError("step " + step + ": the loss is " + loss.lossSum() / loss.tokens() + "; "
                + firstLayer(model, inputs, batch, workspace) + ADVICE);
    }

    static DivergedError gradient(double norm, long step, Gpt2 model) {
        String where = "every gradient is finite, but their norm overflows";
        for (Map.Entry<String, Parameter> p : model.parameters().entrySet()) {
            if (!finite(p.getValue().gradient())) {
                where = "the gradient of " + p.getKey() + " is the first that is not finite";
                break;
            }
        }
        return new DivergedError("step " + step + ": the gradient norm is " + norm + "; " + where + ADVICE);
    }

    private static String firstLayer(Gpt2 model, int[] inputs, int batch, Workspace workspace) {
        for (Map.Entry<String, Parameter> p : model.parameters().entrySet()) {
            if (!finite(p.getValue().value())) {
                return "the weights of " + p.getKey() + " are the first that are not finite";
            }
        }
        try (Tape tape = Tape.evaluation(workspace)) {
            Variable x = model.embed(tape, tape.put(inputs, batch, inputs.length / batch));
            for (int i = 0; i < model.config().nLayer(); i++) {
                if (!finite(x.value())) {
                    return "the input of block " + i + " is the first that is not finite";
                }
                x = model.block(i, x, batch);
            }
            return finite(x.value()) ? "every block is finite, but the final norm or the vocabulary head is not"
                    : "the output of block " + (model.config().nLayer() - 1) + " is not finite";
        }
    }

    private static boolean finite(Tensor t) {
        for (float v : t.toFloats()) {
            if (!Float.isFinite(v)) {
                return false;
            }
        }
        return true;
    }
}
