// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2;

import io.eslm.autograd.Parameter;
import io.eslm.autograd.nn.Module;
import io.eslm.tensor.Tensor;

/** A part of the model that takes its parameters from {@link Weights}. With adapters, these alone are trained. */
abstract class LayeredModule extends Module {
    private final String path;
    private final boolean bias;
    /** Null without adapters. */
    final LowRank lowRank;

    /** @param path of this part in the model, with a dot at its end; "" for the model itself */
    LayeredModule(Gpt2Config config, Weights weights, String path) {
        this.path = path;
        bias = config.bias();
        lowRank = weights.lowRank();
    }

    /**
     * The parameters of the layer {@code name}, linear or normalisation: weight and bias, with the two matrices of its adapter after
     * them if it has one.
     *
     * @param dims of the weight; the last is that of the bias
     */
    final Parameter[] layer(Weights weights, String name, int... dims) {
        Parameter weight = load(weights, name + ".weight", dims);
        Parameter shift = bias ? load(weights, name + ".bias", dims[dims.length - 1])
                : Variants.noBias(weight.value());
        return lowRank == null || !lowRank.adapts(path + name) ? new Parameter[] {weight, shift}
                : new Parameter[] {weight, shift, load(weights, name + LowRank.A, lowRank.rank(), dims[0]),
                    load(weights, name + LowRank.B, dims[1], lowRank.rank())};
    }

    final Parameter load(Weights weights, String name, int... dims) {
        Tensor value = weights.load(path + name, dims);
        return parameter(name, lowRank == null || LowRank.isAdapter(name) ? new Parameter(value)
                : Parameter.fixed(value));
    }
}
