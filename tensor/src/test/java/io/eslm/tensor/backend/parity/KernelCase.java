// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.parity;

import java.util.function.Consumer;

/**
 * One call of a kernel on given inputs, with a bound for each output.
 *
 * @param kernel name of the method of {@link io.eslm.tensor.backend.Kernels} that {@code body} calls
 * @param label what is special about the case; with the kernel's name it seeds the inputs
 * @param body makes inputs and outputs and calls the kernel once, the same way on every backend
 */
public record KernelCase(String kernel, String label, Consumer<KernelRun> body) {
    public String name() {
        return kernel + " " + label;
    }
}
