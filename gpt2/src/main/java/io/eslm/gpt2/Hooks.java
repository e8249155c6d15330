// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2;

import io.eslm.autograd.Variable;
import io.eslm.tensor.Tensor;

/**
 * What looks inside a model while it runs, see {@link Gpt2#addHooks}. The model asks about each activation by its name, for example
 * {@code blocks.0.attn.z}; {@link io.eslm.gpt2.inspect.ActivationNames} lists names and shapes. Most callers want
 * {@link io.eslm.gpt2.inspect.Probes}, which is one.
 */
public interface Hooks {
    /** True if {@link #read} is to be called with {@code name}: an activation, or {@code NAME.grad} for its gradient. */
    boolean reads(String name);

    /** Shows a value; {@code value} is valid during the call. Do not write to it. */
    void read(String name, Tensor value);

    /** True if {@link #replace} is to be called with {@code name}. */
    boolean replaces(String name);

    /** The variable that the model goes on with instead of {@code x}: same tape, same shape. */
    Variable replace(String name, Variable x);
}
