// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.optim;

import io.eslm.autograd.Parameter;
import io.eslm.tensor.Checks;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.UserError;
import java.util.Map;

/**
 * Bounds the joint L2 norm of all gradients (Pascanu, Mikolov, Bengio 2013), as PyTorch's clip_grad_norm_ does. It only
 * measures: the factor that bounds the norm is handed to {@link AdamW#step}, which saves a pass over the gradients.
 */
public final class ClipNorm {
    private final TensorList tensors;
    private final double maxNorm;
    private Tensor sum;

    /**
     * Measures the gradients of {@code parameters}, in their order.
     *
     * @param maxNorm 0 to measure only
     */
    public ClipNorm(Map<String, Parameter> parameters, double maxNorm) {
        if (!(maxNorm >= 0 && maxNorm < Double.POSITIVE_INFINITY)) {
            throw new UserError(
                    "--grad-clip " + maxNorm + ": must be a number that is not negative; 0 switches it off");
        }
        this.tensors = new TensorList(parameters.values());
        this.maxNorm = maxNorm;
    }

    /** √Σ g² over all gradients as they are now, before clipping; waits for them. NaN or infinite if they are. */
    public double norm() {
        if (tensors.isEmpty()) {
            return 0;
        }
        if (sum == null) {
            sum = tensors.scalar();
        }
        sum.kernels().fill(sum.storage(), 1, 0);
        sum.kernels().addSumOfSquares(sum.storage(), tensors.gradients(), tensors.sizes);
        return Math.sqrt(sum.item());
    }

    /**
     * min(1, maxNorm/(norm + 1e-6)): the factor on all gradients; 1 with clipping off.
     *
     * @throws IllegalArgumentException if {@code norm} is not finite: a step would destroy the parameters
     */
    public double scale(double norm) {
        Checks.check(Double.isFinite(norm), "clip norm", "the gradient norm is %s; no step can be taken", norm);
        return maxNorm == 0 ? 1 : Math.min(1, maxNorm / (norm + 1e-6));
    }
}
