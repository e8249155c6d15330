// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.nn;

import io.eslm.autograd.Variable;
import java.util.List;

/** Layers one after the other. Those that are modules are named by their place: {@code 0.weight}. */
public final class Sequential extends Module implements Module.Layer {
    private final List<Layer> layers;

    /** The layers in order: modules, or methods of {@link Variable} such as {@code Variable::gelu}. */
    public Sequential(Layer... layers) {
        this.layers = List.of(layers);
        for (int i = 0; i < layers.length; i++) {
            if (layers[i] instanceof Module module) {
                part(Integer.toString(i), module);
            }
        }
    }

    /** x → the output of the last layer; x itself if there is none. */
    @Override
    public Variable forward(Variable x) {
        Variable y = x;
        for (Layer layer : layers) {
            y = layer.forward(y);
        }
        return y;
    }
}
